"""Checks and clean-up of text that other people read."""

import unicodedata

# Embeddings, overrides and isolates: in a name, they could reverse the text that follows it. The
# marks that right-to-left writing needs (U+200E, U+200F, U+061C) are not among them.
_DIRECTION_CONTROLS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
# A spreadsheet evaluates cells that begin with these as formulas.
_FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")
_INVISIBLE_CATEGORIES = frozenset({"Cf", "Zs", "Cc", "Mn"})


def without_direction_controls(text: str) -> str:
    """The text without direction controls, which phones put around numbers."""
    return text.translate(_DIRECTION_CONTROLS)


def is_visible(text: str) -> bool:
    """Whether the text has any visible character."""
    return any(unicodedata.category(character) not in _INVISIBLE_CATEGORIES for character in text)


def csv_cell(text: str) -> str:
    """Text for a CSV file, escaped so that a spreadsheet does not evaluate it as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_PREFIXES) else text


def folded_name(name: str) -> str:
    """A name to compare by, without case, accents, full stops: "St. Louis" is "saint louis"."""
    # Longer names cannot be places and are not worth decomposing.
    decomposed = unicodedata.normalize("NFKD", name[:200]).casefold()
    without_accents = "".join(
        character for character in decomposed if not unicodedata.combining(character)
    )
    words = without_accents.replace(".", "").replace("-", " ").split()
    return " ".join("saint" if word == "st" else word for word in words)

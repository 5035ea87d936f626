"""What may stand in text that other people read."""

import unicodedata

# Embeddings, overrides and isolates: they let a name turn the words that follow it around. The
# marks that right-to-left writing needs (U+200E, U+200F, U+061C) are none of these.
_DIRECTION_CONTROLS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_UNSEEN = frozenset({"Cf", "Zs", "Cc", "Mn"})


def without_direction_controls(text: str) -> str:
    """The text as it was typed; phones put such characters around numbers unasked."""
    return text.translate(_DIRECTION_CONTROLS)


def is_visible(text: str) -> bool:
    """Whether a reader sees anything of it."""
    return any(unicodedata.category(character) not in _UNSEEN for character in text)


def as_cell(words: str) -> str:
    """Words for a CSV file that a spreadsheet shows and does not carry out."""
    return f"'{words}" if words.startswith(_FORMULA) else words


def folded_name(name: str) -> str:
    """A name to compare by, without case, accents, full stops: "St. Louis" is "saint louis"."""
    # What cannot be a place's name is not worth decomposing.
    decomposed = unicodedata.normalize("NFKD", name[:200]).casefold()
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    words = plain.replace(".", "").replace("-", " ").split()
    return " ".join("saint" if word == "st" else word for word in words)

"""Text as stems: lower case, without stop words, each word reduced by the Snowball stemmer."""

import re
import unicodedata

import Stemmer

MAX_CHARACTERS = 40_000  # of one passage; the rest is not read
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_STEMMER = Stemmer.Stemmer("english")
_STOP_WORDS = frozenset(
    """
    a about after again all also am an and any are aren't as at be because been before being
    but by can can't could couldn't did didn't do does doesn't doing don't down during each
    even few for from further get gets getting got had hadn't has hasn't have haven't having
    he he's her here hers herself him himself his how i i'd i'll i'm i've if in into is isn't
    it it's its itself just let like lot make me more most much my myself need needs no nor
    not now of off on once only or other our ours out over own really same she she's should
    shouldn't so some someone such than that that's the their theirs them themselves then
    there there's these they they're this those through to too under until up very want wants
    was wasn't we we're were weren't what when where which while who whom why will with won't
    would wouldn't you you're your yours yourself
    """.split()  # noqa: SIM905 -- quoting two hundred words would make the list unreadable
)


class _Stems(dict[str, str]):
    """A cache from lower-case word to stem; stop words and single letters have an empty stem.

    Cleared when full, so that invented words cannot fill the memory.
    """

    def __missing__(self, word: str) -> str:
        if len(self) >= _MAX_CACHED_STEMS:
            self.clear()
        ignored = word in _STOP_WORDS or (len(word) == 1 and word.isascii())
        stem = "" if ignored else str(_STEMMER.stemWord(word.removesuffix("'s")))
        self[word] = stem
        return stem


_MAX_CACHED_STEMS = 200_000
_STEMS = _Stems()


def stems(text: str) -> list[str]:
    """The stems of a text, in reading order.

    >>> stems("Retirement planning for my wife's shares")
    ['retir', 'plan', 'wife', 'share']
    """
    normalized = text[:MAX_CHARACTERS]
    if normalized.isascii():
        normalized = normalized.lower()  # same result as below, faster
    else:
        normalized = unicodedata.normalize("NFKC", normalized).casefold().replace("\u2019", "'")
    return [stem for stem in map(_STEMS.__getitem__, _WORD.findall(normalized)) if stem]


def words_of(text: str) -> list[tuple[str, str]]:
    """The words of a text that are not stop words, as written, each with its stem."""
    normalized = text[:MAX_CHARACTERS].replace("\u2019", "'")
    pairs = ((word, _STEMS[word.casefold()]) for word in _WORD.findall(normalized))
    return [(word, stem) for word, stem in pairs if stem]


def sentences(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]

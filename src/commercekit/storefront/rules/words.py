"""What words a text has, for search: Latin words with light stems, Chinese by one and two characters.

Pure and linear in the text, whatever it holds: a text is cut before it is read, a word before it is kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import unescape
from typing import NamedTuple

__all__ = [
    "MAX_TEXT",
    "STOP_WORDS",
    "Unit",
    "deletions",
    "distance",
    "index_terms",
    "plain",
    "stem",
    "units",
]

MAX_TEXT = 20_000
"""Characters of one text that search reads."""
_MAX_WORD = 40
_MAX_POSITION = 16_000
_FIELD_GAP = 10
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at by for from in is it of on or that the this to with 的 了 和 与 及 或",
    )
)
_CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af"
_RUN = re.compile(rf"(?P<cjk>[{_CJK}])|(?P<word>[^\W_{_CJK}]+(?:['’][^\W_{_CJK}]+)?)")
_TAG = re.compile(r"<[^<>]*>")
_IRREGULAR = {
    "children": "child",
    "men": "man",
    "women": "woman",
    "feet": "foot",
    "teeth": "tooth",
    "mice": "mouse",
    "grey": "gray",
}
_PLURALS = (
    ("ies", "y", 5),
    ("ives", "ife", 5),
    ("arves", "arf", 5),
    ("elves", "elf", 5),
    ("ches", "ch", 5),
    ("shes", "sh", 5),
    ("sses", "ss", 5),
    ("xes", "x", 4),
)
_SHORTEST_NEAR = 4
_TWICE_FROM, _TWICE_TO = 8, 14


class Unit(NamedTuple):
    """One Latin word or one Chinese character; ``glued`` to the unit before it by nothing, or a hyphen."""

    text: str
    cjk: bool
    glued: bool


def plain(html: str) -> str:
    """The words of sanitised HTML."""
    return unescape(_TAG.sub(" ", html[:MAX_TEXT]))


def units(text: str) -> Iterator[Unit]:
    """The words of a text in their order: folded, without accents, full-width as half-width."""
    folded = unicodedata.normalize("NFKC", text[:MAX_TEXT]).casefold()
    if not folded.isascii():
        decomposed = unicodedata.normalize("NFD", folded)
        bare = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
        folded = unicodedata.normalize("NFC", bare)
    end = -2
    for match in _RUN.finditer(folded):
        between = folded[max(end, 0) : match.start()]
        glued = end >= 0 and between in ("", "-", "'", "/")
        end = match.end()
        if match.lastgroup == "cjk":
            yield Unit(match[0], cjk=True, glued=glued)
            continue
        word = match[0].replace("’", "'")
        head, _, tail = word.partition("'")
        # "chef's" is chef, "pu'er" is puer.
        yield Unit((head if tail in ("", "s") else head + tail)[:_MAX_WORD], cjk=False, glued=glued)


@lru_cache(maxsize=32_768)
def stem(word: str) -> str:
    """The word without plural and -ing, in the spelling that both sides of the ocean share."""
    if not word.isalpha() or len(word) < 3:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    found = word
    for ending, instead, least in _PLURALS:
        if len(word) >= least and word.endswith(ending):
            found = word[: -len(ending)] + instead
            break
    else:
        if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
            found = word[:-1]
        elif len(word) >= 6 and word.endswith("ing"):
            found = word[:-3]
            if len(found) > 3 and found[-1] == found[-2] and found[-1] not in "lsz":
                found = found[:-1]
    if len(found) > 4 and found.endswith("our"):
        found = found[:-3] + "or"
    return found.replace("olour", "olor")


def deletions(word: str) -> list[str]:
    """The word and what is left of it without a letter, or without two if it is long.

    Two words of which one is a misspelling of the other share at least one of these. Words with digits
    are article numbers and years: a neighbour of one is another article.
    """
    if len(word) < _SHORTEST_NEAR or not word.isalpha() or not word.isascii():
        return []
    found = {word}
    once = {word[:n] + word[n + 1 :] for n in range(len(word))}
    found |= once
    if _TWICE_FROM <= len(word) <= _TWICE_TO:
        found |= {less[:n] + less[n + 1 :] for less in once for n in range(len(less))}
    return sorted(found)


def distance(one: str, other: str) -> int:
    """Letters added, left out, changed, or swapped with the next, to get from one to the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last, row, two_back = row, [i], before
        before = last
        for j, wanted in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, two_back[j - 2] + 1)
            row.append(cost)
    return row[-1]


def index_terms(fields: Iterable[tuple[str, str]]) -> dict[str, list[tuple[int, str]]]:
    """Every term of these ``(weight, text)`` fields with its places, as a ``tsvector`` holds them.

    A word stands under itself and its stem; words glued by hyphens also under the whole, so that
    "tshirt", "t-shirt" and "t shirt" find each other; a Chinese character under itself and with the one
    after it.
    """
    found: dict[str, list[tuple[int, str]]] = {}
    place = 1

    def add(term: str, at: int, weight: str) -> None:
        places = found.setdefault(term, [])
        if len(places) < 8 and (min(at, _MAX_POSITION), weight) not in places:
            places.append((min(at, _MAX_POSITION), weight))

    for weight, text in fields:
        before: Unit | None = None
        whole = ""
        for unit in units(text):
            if unit.cjk:
                add(unit.text, place, weight)
                if before is not None and before.cjk and unit.glued:
                    add(before.text + unit.text, place - 1, weight)
                whole = ""
            else:
                if unit.text not in STOP_WORDS or unit.glued:
                    add(unit.text, place, weight)
                    add(stem(unit.text), place, weight)
                whole = whole + unit.text if unit.glued and whole else unit.text
                if whole != unit.text and len(whole) <= _MAX_WORD:
                    add(whole, place, weight)
                    add(stem(whole), place, weight)
            before = unit
            place += 1
        place += _FIELD_GAP
    return found

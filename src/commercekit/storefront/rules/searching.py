"""From what a shopper typed to what PostgreSQL matches and ranks.

A query becomes *concepts*, one per word or per two Chinese characters, each with alternatives: the word
itself; other forms of it and synonyms; and, weakest, beginnings and corrections. The vocabulary of the
market decides which of them are worth asking for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import log, prod
from typing import NamedTuple

from commercekit.storefront.rules.words import (
    STOP_WORDS,
    Unit,
    deletions,
    distance,
    index_terms,
    stem,
    units,
)

__all__ = [
    "MAX_UNITS",
    "RARE",
    "TIERS",
    "Alternative",
    "Concept",
    "Near",
    "Plan",
    "Synonyms",
    "asked_terms",
    "planned",
    "unknown_words",
    "vector",
]

MAX_UNITS = 24
"""Words and characters of a query that are looked at."""
MAX_CONCEPTS = 8
RARE = 500
"""So many products are looked at for a word that the index is not asked for."""
_COLLECTED = 300
TIERS = 8
_EXACT, _NEAR, _WEAK = 1, 2, 3
_TIERS: tuple[tuple[float, tuple[tuple[int, str], ...]], ...] = (
    (1.0, ((_EXACT, "A"),)),
    (0.85, ((_EXACT, "C"), (_NEAR, "A"))),
    (0.6, ((_EXACT, "B"),)),
    (0.55, ((_WEAK, "A"),)),
    (0.5, ((_NEAR, "B"), (_NEAR, "C"))),
    (0.35, ((_WEAK, "B"), (_WEAK, "C"))),
    (0.2, ((_EXACT, "D"), (_NEAR, "D"))),
    (0.1, ((_WEAK, "D"),)),
)
"""Name (A), article number (C), brand, category and tags (B), description (D), by how close the words are."""
_ALL_FIELDS = "ABCD"
_FOUND_IN_TEXT = {_EXACT: _ALL_FIELDS, _NEAR: _ALL_FIELDS, _WEAK: "ABC"}
_ANYWHERE = -1
_NOTHING = "'-'"
"""No word is a hyphen. An empty query would do, but PostgreSQL tells the client of each."""
_LONGEST_PHRASE = 6
_CORRECTIONS = 3
_SHORTEST_PART = 3

Synonyms = Mapping[tuple[str, ...], Sequence[tuple[str, ...]]]
"""From each phrase to those that mean the same; phrases are tuples of stemmed words or characters."""


class Near(NamedTuple):
    """A word of the market's vocabulary that a misspelt one may stand for."""

    term: str
    documents: int


class Alternative(NamedTuple):
    """Terms in their places, or anywhere; ``prefix`` if the last may go on."""

    terms: tuple[tuple[str, int], ...]
    quality: int
    prefix: bool = False

    def query(self, weights: str) -> str:
        """The ``tsquery`` of it, in fields of these weights only."""
        parts: list[str] = []
        last = None
        # Without weights the index alone tells; with them each row is looked at.
        kept = "" if weights == _ALL_FIELDS else weights
        for number, (term, place) in enumerate(self.terms, 1):
            if last is not None:
                parts.append("&" if place == _ANYWHERE else f"<{place - last}>")
            star = "*" if self.prefix and number == len(self.terms) else ""
            parts.append(f"'{term}':{star}{kept}" if star or kept else f"'{term}'")
            last = place
        return f"({' '.join(parts)})"


@dataclass
class Concept:
    """One thing asked for; an optional one only lifts what has it."""

    alternatives: list[Alternative] = field(default_factory=list)
    optional: bool = False
    weight: float = 1.0
    at_most: int = 0
    """In how many documents one of the alternatives is, as far as the vocabulary tells."""

    def share(self, documents: int) -> float:
        """What part of the documents has one of the alternatives, at the most."""
        return min(1.0, self.at_most / max(1, documents))

    @property
    def is_begun(self) -> bool:
        """Whether one of the alternatives is a beginning."""
        return any(alternative.prefix for alternative in self.alternatives)

    def condition(self) -> str:
        """Any of the alternatives, anywhere."""
        return "(" + " | ".join(a.query(_FOUND_IN_TEXT[a.quality]) for a in self.alternatives) + ")"

    def tiers(self) -> list[str]:
        """What to look for, best first; always as many as there are tiers."""
        found = []
        for _, sorts in _TIERS:
            wanted = [
                alternative.query(weight)
                for quality, weight in sorts
                for alternative in self.alternatives
                if alternative.quality == quality
            ]
            found.append(" | ".join(wanted) or _NOTHING)
        return found

    def values(self) -> list[float]:
        """What each tier counts."""
        return [round(value * self.weight, 4) for value, _ in _TIERS]


@dataclass(frozen=True)
class Plan:
    """What to match and how to rank. Without concepts it matches nothing."""

    concepts: tuple[Concept, ...]
    documents: int
    """How many there are in the market."""

    @property
    def strict(self) -> str:
        """All that is asked for."""
        required = [c for c in self.concepts if not c.optional]
        return " & ".join(concept.condition() for concept in required) or self.wide

    @property
    def parts(self) -> tuple[str, str | None]:
        """:attr:`strict` as what the index is asked for, and what the rows that it finds are.

        For a beginning the index collects all products of all words that begin so. When those are many, and
        few products have all the other words, it is shorter to look at each of the few.
        """
        required = [concept for concept in self.concepts if not concept.optional]
        begun = [each for each in required if each.is_begun and each.at_most > _COLLECTED]
        others = [concept for concept in required if concept not in begun]
        few = self.documents * prod(concept.share(self.documents) for concept in others)
        if not begun or not others or few > RARE:
            return self.strict, None
        return (
            " & ".join(concept.condition() for concept in others),
            " & ".join(concept.condition() for concept in begun),
        )

    @property
    def expected(self) -> float:
        """How many documents :attr:`strict` may match, if words keep no company."""
        required = [
            concept.share(self.documents) for concept in self.concepts if not concept.optional
        ]
        return self.documents * prod(required) if required else self.expected_wide

    @property
    def expected_wide(self) -> float:
        """How many documents :attr:`wide` may match."""
        return self.documents * (
            1 - prod(1 - concept.share(self.documents) for concept in self.concepts)
        )

    @property
    def wide(self) -> str:
        """Any of it."""
        return " | ".join(concept.condition() for concept in self.concepts)

    @property
    def can_widen(self) -> bool:
        """Whether asking for any of it finds more than asking for all."""
        return len(self.concepts) > 1


def vector(fields: Iterable[tuple[str, str]]) -> tuple[str, list[str]]:
    """The ``tsvector`` of ``(weight, text)`` fields as text, and the terms in it."""
    terms = index_terms(fields)
    text = " ".join(
        f"'{term}':" + ",".join(f"{place}{weight}" for place, weight in places)
        for term, places in terms.items()
    )
    return text, list(terms)


def asked_terms(text: str, synonyms: Synonyms) -> list[str]:
    """Every term of the vocabulary that :func:`planned` will want to know of."""
    asked = list(units(text))[:MAX_UNITS]
    found: set[str] = set()
    for number, unit in enumerate(asked):
        found |= {unit.text, stem(unit.text)}
        after = asked[number + 1] if number + 1 < len(asked) else None
        if after is not None:
            found |= {unit.text + after.text, stem(unit.text + after.text)}
        if not unit.cjk:
            found |= {part for pair in _splits(unit.text) for part in pair}
    for phrase in _synonyms_in(asked, synonyms).values():
        for other in synonyms[phrase]:
            found |= {term for term, _ in _phrase(other)}
    return sorted(found)


def unknown_words(text: str, known: Mapping[str, int]) -> list[str]:
    """Words of the query that the market does not have, and that may be misspelt."""
    return [
        unit.text
        for unit in list(units(text))[:MAX_UNITS]
        if not unit.cjk
        and unit.text not in known
        and stem(unit.text) not in known
        and deletions(unit.text)
    ][:4]


def planned(
    text: str,
    known: Mapping[str, int],
    documents: int,
    synonyms: Synonyms,
    near: Callable[[str], Sequence[Near]] = lambda _word: (),
    begun: Callable[[str], int] = lambda _word: 0,
) -> Plan:
    """The plan for ``text``, given how many ``documents`` there are and in how many each term is.

    ``near`` gives the candidates that a misspelt word may stand for, ``begun`` in how many documents a
    word begins with these letters.
    """
    asked = list(units(text))[:MAX_UNITS]
    phrases = _synonyms_in(asked, synonyms)
    concepts: list[Concept] = []
    at = 0
    while at < len(asked) and len(concepts) < MAX_CONCEPTS:
        if at in phrases:
            span = asked[at : at + len(phrases[at])]
            own = _word(asked, at, known, near, begun)[0] if len(span) == 1 else Concept()
            if span[0].cjk or len(span) > 1:
                own = Concept([Alternative(_phrase(u.text for u in span), _EXACT)])
            for other in synonyms[phrases[at]]:
                terms = _phrase(other)
                if all(term in known for term, _ in terms):
                    own.alternatives.append(Alternative(terms, _NEAR))
            concepts.append(own)
            at += len(span)
        elif asked[at].cjk:
            end = at
            while end < len(asked) and asked[end].cjk and end not in phrases:
                end += 1
            concepts += _characters("".join(u.text for u in asked[at:end]), known)
            at = end
        else:
            concept, taken = _word(asked, at, known, near, begun)
            concepts.append(concept)
            at += taken
    useful = [concept for concept in concepts if _is_known(concept, known)][:MAX_CONCEPTS]
    meant = [concept for concept in useful if not _is_stop(concept)] or useful
    sizes = dict(known)
    for unit in asked:
        sizes |= {each.term: each.documents for each in near(unit.text)}
    for concept in meant:
        concept.at_most = sum(_at_most(each, sizes, begun) for each in concept.alternatives)
        found = max((known.get(term, 0) for term in _main_terms(concept)), default=0)
        concept.weight = round(log(1.5 + documents / (found + 1)), 2) * (
            0.7 if concept.optional else 1
        )
    return Plan(tuple(meant), documents)


def _at_most(
    alternative: Alternative, sizes: Mapping[str, int], begun: Callable[[str], int]
) -> int:
    """In how many documents it can be: in no more than its rarest term."""
    found = [sizes.get(term, 0) for term, _ in alternative.terms]
    if alternative.prefix:
        found[-1] += begun(alternative.terms[-1][0])
    return min(found)


def _word(
    asked: Sequence[Unit],
    at: int,
    known: Mapping[str, int],
    near: Callable[[str], Sequence[Near]],
    begun: Callable[[str], int],
) -> tuple[Concept, int]:
    """The concept of the Latin word there, with those glued to it, and how many units it takes."""
    end = at + 1
    while end < len(asked) and asked[end].glued and not asked[end].cjk:
        end += 1
    chain = [unit.text for unit in asked[at:end]]
    whole = "".join(chain)
    is_last = end == len(asked)
    concept = Concept()
    add = concept.alternatives.append
    if len(chain) > 1:
        add(Alternative(tuple((term, number) for number, term in enumerate(chain)), _EXACT))
        add(Alternative(_one(whole), _EXACT))
        add(Alternative(_one(whole), _WEAK, prefix=True))
        return concept, end - at
    word, root = whole, stem(whole)
    add(Alternative(_one(word), _EXACT))
    if root != word:
        add(Alternative(_one(root), _EXACT))
    following = asked[end] if end < len(asked) and not asked[end].cjk else None
    if following is not None and (word + following.text) in known:
        joined = Alternative(_one(word + following.text), _NEAR)
        both = Alternative(((word, 0), (following.text, 1)), _EXACT)
        return Concept([both, joined]), end + 1 - at
    is_known = word in known or root in known
    if len(word) > 1 and (is_last or not is_known) and begun(word):
        add(Alternative(_one(word), _WEAK, prefix=True))
        is_known = True
    if not is_known:
        for one, other in _splits(word):
            if one in known and other in known:
                add(Alternative(((one, 0), (other, 1)), _NEAR))
                is_known = True
        if not is_known:
            concept.alternatives += [Alternative(_one(term), _NEAR) for term in _meant(word, near)]
    return concept, end - at


def _characters(run: str, known: Mapping[str, int]) -> list[Concept]:
    """The concepts of a run of Chinese characters: the words of two that the market has, and the rest.

    Which pairs are words and which only touch is told by how often the market has them.
    """
    best: list[tuple[float, list[str]]] = [(0.0, [])]
    for end in range(1, len(run) + 1):
        score, parts = best[end - 1]
        chosen = (score - 1.0, [*parts, run[end - 1]])
        pair = run[end - 2 : end]
        if end > 1 and pair in known:
            before, earlier = best[end - 2]
            chosen = max(chosen, (before + 1.0 + log(known[pair] + 1), [*earlier, pair]))
        best.append(chosen)
    parts = best[-1][1]
    concepts: list[Concept] = []
    for is_pair, grouped in groupby(parts, key=lambda part: len(part) > 1):
        group = list(grouped)
        if is_pair:
            concepts += [
                Concept(
                    [
                        Alternative(_one(pair), _EXACT),
                        Alternative(((pair[0], 0), (pair[1], 2)), _WEAK),
                    ]
                )
                for pair in group
            ]
        elif len(group) == 1:
            concepts.append(Concept([Alternative(_one(group[0]), _EXACT)]))
        else:
            # A word that the market lacks: its characters count together or not at all.
            together = tuple((character, _ANYWHERE) for character in group)
            concepts.append(
                Concept([Alternative(together, _WEAK)], optional=len(parts) > len(group))
            )
    return concepts


def _meant(word: str, near: Callable[[str], Sequence[Near]]) -> list[str]:
    """What a misspelt word may stand for, the likeliest first."""
    allowed = 1 if len(word) < 8 else 2
    ranked = sorted(
        (distance(word, each.term), each.term[0] != word[0], -each.documents, each.term)
        for each in near(word)
    )
    close = [entry for entry in ranked if entry[0] <= allowed]
    return [entry[3] for entry in close if entry[0] == close[0][0]][:_CORRECTIONS]


def _synonyms_in(asked: Sequence[Unit], synonyms: Synonyms) -> dict[int, tuple[str, ...]]:
    """Where phrases that have synonyms begin; the longest at each place, none within another."""
    found: dict[int, tuple[str, ...]] = {}
    at = 0
    roots = [unit.text if unit.cjk else stem(unit.text) for unit in asked]
    while at < len(roots):
        for length in range(min(_LONGEST_PHRASE, len(roots) - at), 0, -1):
            phrase = tuple(roots[at : at + length])
            if phrase in synonyms:
                found[at] = phrase
                at += length - 1
                break
        at += 1
    return found


def _phrase(words: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """A phrase as terms in their places: characters in pairs, words by themselves."""
    listed = list(words)
    found: list[tuple[str, int]] = []
    for place, word in enumerate(listed):
        after = listed[place + 1] if place + 1 < len(listed) else ""
        if _is_character(word) and _is_character(after):
            found.append((word + after, place))
        elif not (_is_character(word) and place and _is_character(listed[place - 1])):
            found.append((word if _is_character(word) else stem(word), place))
    return tuple(found)


def _is_character(word: str) -> bool:
    return len(word) == 1 and not word.isascii() and not word.isdigit() and word >= "\u3040"


def _splits(word: str) -> list[tuple[str, str]]:
    return [(word[:n], word[n:]) for n in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)]


def _one(term: str) -> tuple[tuple[str, int], ...]:
    return ((term, 0),)


def _is_known(concept: Concept, known: Mapping[str, int]) -> bool:
    return any(
        alternative.prefix
        or alternative.quality == _NEAR
        or all(term in known for term, _ in alternative.terms)
        for alternative in concept.alternatives
    )


def _is_stop(concept: Concept) -> bool:
    return all(
        len(alternative.terms) == 1 and alternative.terms[0][0] in STOP_WORDS
        for alternative in concept.alternatives
    )


def _main_terms(concept: Concept) -> list[str]:
    return [
        term
        for alternative in concept.alternatives
        if alternative.quality in (_EXACT, _NEAR)
        for term, _ in alternative.terms
    ]

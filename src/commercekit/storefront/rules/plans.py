"""What a query asks for: concepts, each with alternatives, and the plan that they make.

The words of which they are made come from :mod:`~commercekit.storefront.rules.searching`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ANYWHERE",
    "EXACT",
    "FOUND_IN_TEXT",
    "NEAR",
    "RARE",
    "TIER_SORTS",
    "TOLD",
    "WEAK",
    "Alternative",
    "Concept",
    "Near",
    "Plan",
    "Rung",
    "Tiers",
]

RARE = 1000
"""So many products are looked at, at most, for a word that the index is not asked for."""
_COLLECTED_MEANWHILE = 4
"""Looking at a product takes as long as collecting so many of those that a beginning finds."""
_PASSED_MEANWHILE = 150
"""And as long as passing by so many of those that a word finds, on the way to the few that another does."""
_ASKED_MEANWHILE = 12
"""So many are looked at while the index looks up one word more, however rare."""
_COMPANY = 10
"""Words keep company: one in so many products that have a word may have any other, whatever chance says."""
EXACT, NEAR, WEAK = 1, 2, 3
TIER_SORTS: tuple[tuple[float, tuple[tuple[int, str], ...]], ...] = (
    (1.0, ((EXACT, "A"),)),
    (0.85, ((EXACT, "C"), (NEAR, "A"))),
    (0.6, ((EXACT, "B"),)),
    (0.55, ((WEAK, "A"),)),
    (0.5, ((NEAR, "B"), (NEAR, "C"))),
    (0.35, ((WEAK, "B"), (WEAK, "C"))),
    (0.2, ((EXACT, "D"), (NEAR, "D"))),
    (0.1, ((WEAK, "D"),)),
)
"""Name (A), article number (C), brand, category and tags (B), description (D), by how close the words are."""
_ALL_FIELDS, _NAMED, _TOLD = "ABCD", "ABC", "D"
FOUND_IN_TEXT = {EXACT: _ALL_FIELDS, NEAR: _ALL_FIELDS, WEAK: _NAMED}
TOLD = "~"
"""Stands before a word that a product has in its description alone.

These are most of the words, and beginnings are not looked for in them, so that the index has the two apart.
"""
ANYWHERE = -1


class Near(NamedTuple):
    """A word of the market's vocabulary that a misspelt one may stand for."""

    term: str
    documents: int


class Alternative(NamedTuple):
    """Terms in their places, or anywhere; ``prefix`` if the last may go on."""

    terms: tuple[tuple[str, int], ...]
    quality: int
    prefix: bool = False

    def query(self, weights: str, *, of_index: bool = False) -> str:
        """The ``tsquery`` of it, in fields of these weights only.

        The index has words of names apart by itself: for weights, each row would be looked at.
        """
        if of_index and weights == _NAMED and not self._is_phrase:
            weights = ""
        parts: list[str] = []
        last = None
        for number, (term, place) in enumerate(self.terms, 1):
            if last is not None:
                parts.append("&" if place == ANYWHERE else f"<{place - last}>")
            star = "*" if self.prefix and number == len(self.terms) else ""
            parts.append(self._lexeme(term, star, weights))
            last = place
        return f"({' '.join(parts)})"

    def _lexeme(self, term: str, star: str, weights: str) -> str:
        if weights == _ALL_FIELDS:
            return f"('{term}' | '{TOLD}{term}')"
        told = f"'{TOLD}{term}':{star}" if star else f"'{TOLD}{term}'"
        if weights == _TOLD:
            # Beside others it may be in the name as well.
            return told if self.is_word else f"('{term}':{star}{_TOLD} | {told})"
        return f"'{term}':{star}{weights}" if star or weights else f"'{term}'"

    @property
    def is_word(self) -> bool:
        """Whether there is one term to look for."""
        return len(self.terms) == 1

    @property
    def _is_phrase(self) -> bool:
        return len(self.terms) > 1 and self.terms[-1][1] != ANYWHERE


Rung = tuple[str | None, int]
"""What to look for, and what it counts in ten thousandths; ``None`` is what is left of it."""


class Tiers(NamedTuple):
    """What a product's words count for a concept, best first.

    Most have it in the description alone, so that it is asked first whether they have it elsewhere.
    """

    named: str
    of_named: tuple[Rung, ...]
    of_others: tuple[Rung, ...]


@dataclass
class Concept:
    """One thing asked for; an optional one only lifts what has it."""

    alternatives: list[Alternative] = field(default_factory=list)
    optional: bool = False
    weight: float = 1.0
    at_most: int = 0
    """In how many documents one of the alternatives is, as far as the vocabulary tells."""
    begun: int = 0
    """How many of these the index collects for beginnings: whole words, which begin so, are among them."""

    def share(self, documents: int) -> float:
        """What part of the documents has one of the alternatives, at the most."""
        return min(1.0, self.at_most / max(1, documents))

    @property
    def takes(self) -> float:
        """How many products could be looked at while the index is asked for it beside something rarer."""
        collected = self.begun / _COLLECTED_MEANWHILE
        passed = max(0, self.at_most - self.begun) / _PASSED_MEANWHILE
        return _ASKED_MEANWHILE + collected + passed

    def condition(self) -> str:
        """Any of the alternatives, anywhere."""
        return "(" + " | ".join(self._found_by(each) for each in self.alternatives) + ")"

    def _found_by(self, alternative: Alternative) -> str:
        weights = FOUND_IN_TEXT[alternative.quality]
        if self._is_begun(alternative):
            weights = _TOLD
        return alternative.query(weights, of_index=True)

    def _is_begun(self, alternative: Alternative) -> bool:
        """Whether a beginning finds it in names already."""
        return not alternative.prefix and any(
            each.prefix and each.terms == alternative.terms and each.is_word
            for each in self.alternatives
        )

    def tiers(self, *, is_had: bool) -> Tiers:
        """What counts how much; ``is_had`` if only products are looked at that have an alternative."""
        named: list[Rung] = []
        told: list[Rung] = []
        for value, sorts in TIER_SORTS:
            wanted = [
                alternative.query(weight)
                for quality, weight in sorts
                for alternative in self.alternatives
                if alternative.quality == quality
            ]
            if wanted:
                rungs = told if sorts[0][1] == _TOLD else named
                rungs.append((" | ".join(wanted), round(10_000 * value * self.weight)))
        gate = [each.query(_NAMED) for each in self.alternatives if not self._is_begun(each)]
        others = tuple(told)
        if all(each.is_word for each in self.alternatives):
            # Who gets there has one of them, so that nobody asks for the last.
            named[-1] = (None, named[-1][1])
            if is_had and any(each.quality != WEAK for each in self.alternatives):
                others = ((None, told[0][1]),)
        else:
            # Of a phrase one word may be in the name and another in the description.
            named += told
        return Tiers(" | ".join(gate), tuple(named), others)


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

        For a beginning the index collects all products of all words that begin so, and for a frequent word
        it passes by all that have it. When few have the other words, it is shorter to look at each of these.
        """
        required = [concept for concept in self.concepts if not concept.optional]
        asked = list(required)
        for concept in sorted(required, key=lambda each: -each.takes):
            others = [each for each in asked if each is not concept]
            if others and concept.takes > self._found_by(others) <= RARE:
                asked = others
        left = [concept for concept in required if concept not in asked]
        if not left:
            return self.strict, None
        return (
            " & ".join(concept.condition() for concept in asked),
            " & ".join(concept.condition() for concept in left),
        )

    def _found_by(self, concepts: Sequence[Concept]) -> float:
        """How many documents may have all of these, if it is not mere chance that they have several."""
        by_chance = self.documents * prod(each.share(self.documents) for each in concepts)
        if len(concepts) == 1:
            return by_chance
        return max(by_chance, min(each.at_most for each in concepts) / _COMPANY)

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

    def tiers(self, *, of_all: bool) -> list[Tiers]:
        """What products count that :attr:`strict` finds, or :attr:`wide` if not ``of_all``."""
        return [concept.tiers(is_had=of_all and not concept.optional) for concept in self.concepts]

    @property
    def can_widen(self) -> bool:
        """Whether asking for any of it finds more than asking for all."""
        return len(self.concepts) > 1

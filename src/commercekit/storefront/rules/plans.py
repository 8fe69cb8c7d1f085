"""What a query asks for: concepts, each with alternatives, and the plan that they make.

The words of which they are made come from :mod:`~commercekit.storefront.rules.searching`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

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
]

RARE = 1000
"""So many products are looked at, at most, for a word that the index is not asked for."""
_COLLECTED_MEANWHILE = 4
"""Looking at a product takes as long as collecting so many of those that a beginning finds."""
_PASSED_MEANWHILE = 150
"""And as long as passing by so many of those that a word finds, on the way to the few that another does."""
_WORTH_IT = 75
"""Products that could be looked at meanwhile: for less, nobody looks for the shorter way."""
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

    def query(self, weights: str) -> str:
        """The ``tsquery`` of it, in fields of these weights only."""
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
        """Weights are named where it does not go without: each row is looked at for them."""
        if weights == _ALL_FIELDS:
            return f"('{term}' | '{TOLD}{term}')"
        told = f"'{TOLD}{term}':{star}" if star else f"'{TOLD}{term}'"
        if weights == _TOLD:
            # Beside others it may be in the name as well.
            return told if len(self.terms) == 1 else f"('{term}':{star}{_TOLD} | {told})"
        if weights == _NAMED and not self._is_phrase:
            weights = ""
        return f"'{term}':{star}{weights}" if star or weights else f"'{term}'"

    @property
    def _is_phrase(self) -> bool:
        return len(self.terms) > 1 and self.terms[-1][1] != ANYWHERE


@dataclass
class Concept:
    """One thing asked for; an optional one only lifts what has it."""

    alternatives: list[Alternative] = field(default_factory=list)
    optional: bool = False
    weight: float = 1.0
    at_most: int = 0
    """In how many documents one of the alternatives is, as far as the vocabulary tells."""
    begun: int = 0
    """For how many of these the index collects all words that begin so."""

    def share(self, documents: int) -> float:
        """What part of the documents has one of the alternatives, at the most."""
        return min(1.0, self.at_most / max(1, documents))

    @property
    def takes(self) -> float:
        """How many products could be looked at while the index is asked for it beside something rarer."""
        passed = self.at_most - self.begun
        return self.begun / _COLLECTED_MEANWHILE + passed / _PASSED_MEANWHILE

    def condition(self) -> str:
        """Any of the alternatives, anywhere."""
        return "(" + " | ".join(a.query(FOUND_IN_TEXT[a.quality]) for a in self.alternatives) + ")"

    def tiers(self) -> list[tuple[str, int]]:
        """What to look for, best first, and what each counts, in ten thousandths."""
        found = []
        for value, sorts in TIER_SORTS:
            wanted = [
                alternative.query(weight)
                for quality, weight in sorts
                for alternative in self.alternatives
                if alternative.quality == quality
            ]
            if wanted:
                found.append((" | ".join(wanted), round(10_000 * value * self.weight)))
        return found


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
            few = self.documents * prod(each.share(self.documents) for each in others)
            if others and _WORTH_IT < concept.takes > few <= RARE:
                asked = others
        left = [concept for concept in required if concept not in asked]
        if not left:
            return self.strict, None
        return (
            " & ".join(concept.condition() for concept in asked),
            " & ".join(concept.condition() for concept in left),
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

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
    "TIERS",
    "TIER_SORTS",
    "WEAK",
    "Alternative",
    "Concept",
    "Near",
    "Plan",
]

RARE = 1000
"""So many products are looked at, at most, for a word that the index is not asked for."""
_COLLECTED = 300
_AS_LONG_AS = 4
"""Looking at a product takes as long as collecting so many from the index."""
TIERS = 8
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
_ALL_FIELDS = "ABCD"
FOUND_IN_TEXT = {EXACT: _ALL_FIELDS, NEAR: _ALL_FIELDS, WEAK: "ABC"}
ANYWHERE = -1
_NOTHING = "'-'"
"""No word is a hyphen. An empty query would do, but PostgreSQL tells the client of each."""


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
                parts.append("&" if place == ANYWHERE else f"<{place - last}>")
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
        return "(" + " | ".join(a.query(FOUND_IN_TEXT[a.quality]) for a in self.alternatives) + ")"

    def tiers(self) -> list[str]:
        """What to look for, best first; always as many as there are tiers."""
        found = []
        for _, sorts in TIER_SORTS:
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
        return [round(value * self.weight, 4) for value, _ in TIER_SORTS]


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
        collected = sum(concept.at_most for concept in begun)
        if not begun or not others or few > RARE or few * _AS_LONG_AS > collected:
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

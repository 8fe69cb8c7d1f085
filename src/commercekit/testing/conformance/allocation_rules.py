"""The rules of allocation strategies by name, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from commercekit.testing.conformance.pure import PURE_RULES

__all__ = ["ALLOCATION_STRATEGY_RULES"]

ALLOCATION_STRATEGY_RULES: Final[Mapping[str, str]] = {
    "declares-itself": "the settings name it by its code, and it says whether it looks at locations",
    "decides-something": "a strategy that never says anything is the shop's own order",
    "answers-with-a-plan": "an answer of another make is dropped, and the shop's own order counts",
    "proposes-only-what-it-was-offered": "a place that is closed, or another market's, sends nothing",
    "names-a-place-once": "a place that stands in the order twice has no place in it",
    "says-what-it-needs": "without needs_locations it is never shown any, and must not miss them",
    "order-of-demands-means-nothing": "the same goods come from the same place, however they are listed",
    **PURE_RULES,
}
"""Every rule, and why it is one. How many come from where is decided by the update that takes the stock."""

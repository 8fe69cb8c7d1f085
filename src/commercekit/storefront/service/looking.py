"""What a search looks for in the read models, and how far it is widened when that is nowhere."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from commercekit.storefront import repository
from commercekit.storefront.models import ListQuery

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.markets import Market
    from commercekit.platform.db import Database
    from commercekit.storefront.service.vocabulary import Vocabulary

__all__ = ["Search", "search_for", "widened"]

_AS_LONG_AS = 4
"""Asking a product for words takes as long as finding so many by their words."""


def _is_frequent(expected: float, documents: int) -> bool:
    """Whether walking the list until enough are found is shorter than fetching all that are found.

    Of ``expected`` among ``documents`` the walk meets one in ``documents / expected``.
    """
    return repository.FREQUENT * documents / max(1.0, expected) < expected


class Search(NamedTuple):
    """The words to match, as a ``tsquery``, and how to rank; no words match all that is on sale."""

    words: str | None = None
    ranked: repository.Ranking | None = None
    frequent: bool = False
    checked: str | None = None
    """More words, for the rows that the index finds."""
    wider: Search | None = None
    """Instead, when no product of the market has all that is asked for."""
    expected: float = 0
    """How many products it may find in all of the market."""
    through: bool = False
    """Whether the part of the market that is asked for is gone through."""

    def where(
        self, market_id: UUID, query: ListQuery, category_id: UUID | None
    ) -> repository.Selection:
        """The rows of ``query`` that the words are in."""
        return repository.Selection.of(
            market_id,
            query,
            category_id,
            self.words,
            self.checked,
            frequent=self.frequent,
            through=self.through,
        )

    async def by_the_shorter_way(
        self, db: Database, market_id: UUID, query: ListQuery, category_id: UUID | None
    ) -> Search:
        """The same, going through the part of the market that is asked for if words find more than it has."""
        where = self.where(market_id, query, category_id)
        if self.frequent or self.expected <= repository.FREQUENT or not where.is_part:
            return self
        return self._replace(
            through=await repository.has_fewer(db, where, ceil(self.expected / _AS_LONG_AS))
        )


async def search_for(vocabulary: Vocabulary, market: Market, text: str) -> Search:
    """How to look for what a shopper typed; mere signs match nothing."""
    if not text or not text.strip():
        return Search()
    plan = await vocabulary.plan(market.id, text)
    if not plan.concepts:
        return Search("")
    ranked = repository.Ranking([concept.tiers() for concept in plan.concepts])
    wider = None
    if plan.can_widen:
        wider = Search(plan.wide, ranked, _is_frequent(plan.expected_wide, plan.documents))
    if _is_frequent(plan.expected, plan.documents):
        return Search(plan.strict, ranked, frequent=True, wider=wider)
    words, checked = plan.parts
    return Search(words, ranked, checked=checked, wider=wider, expected=plan.expected)


async def widened(db: Database, market: Market, search: Search, *, found_none: bool) -> Search:
    """The wider search if no product of the market has all the words, else the same.

    ``found_none`` says that the whole market was looked through already.
    """
    if search.wider is None:
        return search
    if not found_none and await repository.has_any(db, search.where(market.id, ListQuery(), None)):
        return search
    return search.wider

"""What a search looks for in the read models, and how far it is widened when that is nowhere."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from commercekit.storefront import repository
from commercekit.storefront.models import ListQuery, Sort

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from commercekit.markets import Market
    from commercekit.platform.db import Database
    from commercekit.storefront.service.vocabulary import Vocabulary

__all__ = ["Search", "found_by", "search_for", "widened"]

_AS_LONG_AS = 4
"""Asking a product for words takes as long as finding so many by their words."""


_PATIENCE = 4
_WITHIN = (2_500, 5_000, 10_000)
_BESIDE = 4
"""Finding a product by a word takes as long as passing by so many that stand beside each other."""


def _walked(expected: float, documents: int) -> float:
    """How many are met on the way until enough of ``expected`` are, which are one in so many."""
    return repository.FREQUENT * documents / max(1.0, expected)


def _within(expected: float, documents: int) -> int:
    """How many are passed by before it is plain that words are rarer than was thought."""
    wanted = _PATIENCE * _walked(expected, documents)
    return next((each for each in _WITHIN if each >= wanted), repository.WALKED)


def _is_frequent(expected: float, documents: int) -> bool:
    """Whether walking the list until enough are found is shorter than fetching all that are found."""
    return _walked(expected, documents) < expected


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
    documents: int = 0
    """Of so many in the market."""
    alone: bool = False
    """Whether there is one word, so that nobody guesses how many products have it together with others."""
    within: int = repository.WALKED
    """What is frequent is looked for in so many of the newest; in a part of the market, in as many as ever."""
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
            within=self.within,
        )

    def newest_first(self, sort: Sort, where: repository.Selection) -> Search:
        """The same, passing by the newest products until enough have the words, if that is shorter.

        Without a category and filters they stand beside each other, so that it is sooner than elsewhere.
        """
        if self.frequent or where.is_part or sort is not Sort.RELEVANCE or not self.alone:
            return self
        walked = _walked(self.expected, self.documents)
        soon = walked < self.expected * _BESIDE and walked < repository.WALKED / 2
        return self._replace(
            frequent=soon and self.expected > repository.COUNTED,
            within=_within(self.expected, self.documents),
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
    ranked = repository.Ranking(plan.tiers(of_all=True))
    wider = None
    if plan.can_widen:
        frequent = _is_frequent(plan.expected_wide, plan.documents)
        within = _within(plan.expected_wide, plan.documents)
        of_any = repository.Ranking(plan.tiers(of_all=False))
        wider = Search(plan.wide, of_any, frequent, within=within)
    if _is_frequent(plan.expected, plan.documents):
        within = _within(plan.expected, plan.documents)
        return Search(plan.strict, ranked, frequent=True, wider=wider, within=within)
    words, checked = plan.parts
    return Search(
        words,
        ranked,
        checked=checked,
        wider=wider,
        expected=plan.expected,
        documents=plan.documents,
        alone=len(plan.concepts) == 1,
    )


async def found_by(
    db: Database,
    search: Search,
    sort: Sort,
    where: Callable[[Search], repository.Selection],
    read: Callable[[Search], Awaitable[list[Any]]],
) -> tuple[list[Any], Search]:
    """What ``read`` finds by the shortest way, and the search to go on from.

    By the longer one if words that are frequent each turn out to be rare together or in this part.
    """
    soon = search.newest_first(sort, where(search))
    rows = await read(soon)
    if not soon.frequent or sort is not Sort.RELEVANCE or not _is_short(rows):
        return rows, search
    if await repository.is_walked_through(db, where(soon)):
        return rows, search
    search = search._replace(frequent=False)
    return await read(search), search


def _is_short(rows: Sequence[Any]) -> bool:
    return not rows or rows[0]["total"] < repository.FREQUENT


async def widened(db: Database, market: Market, search: Search, *, found_none: bool) -> Search:
    """The wider search if no product of the market has all the words, else the same.

    ``found_none`` says that the whole market was looked through already.
    """
    if search.wider is None:
        return search
    if not found_none and await repository.has_any(db, search.where(market.id, ListQuery(), None)):
        return search
    return search.wider

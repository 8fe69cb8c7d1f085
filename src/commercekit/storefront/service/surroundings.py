"""What pages show that no product's row holds: the categories, attributes, and promotions that are on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import UUID

from commercekit.catalog import Attribute, CatalogService, Category, CategoryNotFound

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.platform.db import Database
    from commercekit.promotions import PromotionService, RunningPromotion
    from commercekit.storefront.freshness import Freshness, Stale

__all__ = ["Surroundings", "Tree"]

T = TypeVar("T")

_KEPT_FOR = timedelta(seconds=60)
"""A word that gets lost makes a page old for no longer than this."""
_STARTS_SEEN_WITHIN = timedelta(seconds=5)
_ATTRIBUTES_AT_ONCE = 100


class Tree:
    """The categories as one process knows them, by id and by address."""

    def __init__(self, categories: Sequence[Category]) -> None:
        self.categories = tuple(categories)
        self.by_id = {category.id: category for category in categories}
        self.by_slug = {category.slug: category for category in categories}
        self.place = {category.id: number for number, category in enumerate(categories)}

    def at(self, slug: str) -> Category:
        """The category of that address; ``CategoryNotFound`` otherwise."""
        found = self.by_slug.get(slug)
        if found is None:
            message = f"There is no category {slug!r}."
            raise CategoryNotFound(message, category=slug)
        return found


class _Kept(Generic[T]):
    """One answer, until it is forgotten or has been kept for long enough."""

    def __init__(self, read: Callable[[], Awaitable[T]], kept_for: timedelta) -> None:
        self._read = read
        self._kept_for = kept_for
        self._answer: tuple[T, datetime] | None = None
        self._round = 0

    def forget(self) -> None:
        self._answer = None
        self._round += 1

    async def get(self, now: datetime) -> T:
        if self._answer is not None and now < self._answer[1]:
            return self._answer[0]
        begun = self._round
        answer = await self._read()
        if begun == self._round:
            # What changed while it was read is not kept.
            self._answer = (answer, now + self._kept_for)
        return answer


class Surroundings:
    """Keeps each until :class:`~commercekit.storefront.freshness.Freshness` tells that all pages are old.

    They are small, change rarely and stand on every page. A unit of work that changes them reads them
    from the domains themselves.
    """

    def __init__(
        self,
        db: Database,
        catalog: CatalogService,
        promotions: PromotionService | None,
        freshness: Freshness,
    ) -> None:
        self._db = db
        self._catalog = catalog
        self._promotions = promotions
        self._tree = _Kept(self._read_tree, _KEPT_FOR)
        self._attributes = _Kept(self._read_attributes, _KEPT_FOR)
        self._running = _Kept(self._read_running, _STARTS_SEEN_WITHIN)
        freshness.on_stale(self._forget)

    def _forget(self, stale: Stale) -> None:
        if stale.slugs is None:
            for kept in (self._tree, self._attributes, self._running):
                kept.forget()

    async def tree(self) -> Tree:
        """All categories, siblings in their order."""
        return await self._tree.get(self._db.clock.now())

    async def attributes(self, product_type: str) -> Mapping[str, Attribute]:
        """What products of that type have, by code, in the order shown."""
        return (await self._attributes.get(self._db.clock.now())).get(product_type, {})

    async def running(self) -> list[RunningPromotion]:
        """What is on now, for everybody, in the order in which it applies."""
        now = self._db.clock.now()
        known = await self._running.get(now)
        return [each for each in known if each.ends_at is None or now < each.ends_at]

    async def _read_tree(self) -> Tree:
        return Tree(await self._catalog.categories())

    async def _read_attributes(self) -> Mapping[str, Mapping[str, Attribute]]:
        found: list[Attribute] = []
        after: UUID | None = None
        while True:
            some = await self._catalog.attributes(after=after, limit=_ATTRIBUTES_AT_ONCE)
            found += some
            if len(some) < _ATTRIBUTES_AT_ONCE:
                break
            after = some[-1].id
        types: dict[str, dict[str, Attribute]] = {}
        for each in sorted(found, key=lambda each: (each.position, each.id)):
            types.setdefault(each.product_type, {})[each.code] = each
        return types

    async def _read_running(self) -> list[RunningPromotion]:
        if self._promotions is None:
            return []
        return await self._promotions.running(self._db.clock.now())

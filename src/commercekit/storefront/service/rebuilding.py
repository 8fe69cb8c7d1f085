"""Writing the read models anew: after a mistake by hand, for rows made in an older way, or to be sure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

if TYPE_CHECKING:
    from commercekit.catalog import CatalogService
    from commercekit.markets import MarketService
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.storefront.service.projection import Projection

__all__ = ["Rebuild", "RebuildReport"]

_AT_ONCE = 500


class RebuildReport(NamedTuple):
    """What a rebuild did; ``resumed`` are the products that an earlier one had written already."""

    written: int
    resumed: int
    removed: int


class Rebuild:
    """Writes some products, or all.

    Each step is a transaction of its own and writes what the other domains say in that moment, with the
    rows locked that sales and prices write: what changes meanwhile is in, whoever comes first. Shoppers
    see the old rows until the new ones are there.
    """

    def __init__(
        self,
        db: Database,
        markets: MarketService,
        catalog: CatalogService,
        projection: Projection,
    ) -> None:
        self._db = db
        self._markets = markets
        self._catalog = catalog
        self._projection = projection

    async def some(self, product_ids: Sequence[UUID]) -> int:
        """Write these; those that are gone vanish. Tells how many it looked at."""
        for start in range(0, len(product_ids), _AT_ONCE):
            await self._step(product_ids[start : start + _AT_ONCE])
        return len(product_ids)

    async def all(
        self, *, resume: bool = False, progress: Callable[[int], None] | None = None
    ) -> RebuildReport:
        """Write every product, oldest first, and remove rows of products that are gone.

        ``resume`` goes on where the last rebuild was cut off, if one was. ``progress`` is told how many are
        done after each step.
        """
        after, resumed = await self._left_off() if resume else (None, 0)
        if not resume:
            await self._db.execute("DELETE FROM storefront_rebuild")
        done = resumed
        while ids := await self._catalog.product_ids(after=after, limit=_AT_ONCE):
            after = ids[-1]
            done += len(ids)
            await self._step(ids, done=done)
            if progress is not None:
                progress(done)
        removed = await self._orphans()
        await self._db.execute("DELETE FROM storefront_rebuild")
        return RebuildReport(done - resumed, resumed, removed)

    async def _left_off(self) -> tuple[UUID | None, int]:
        row = await self._db.fetchrow("SELECT product_id, done FROM storefront_rebuild")
        return (None, 0) if row is None else (row["product_id"], row["done"])

    async def _step(self, product_ids: Sequence[UUID], *, done: int | None = None) -> None:
        async def work(uow: UnitOfWork) -> None:
            await self._projection.refresh(uow, product_ids)
            if done is not None:
                # In the step's own transaction: what is marked as written is written.
                await uow.execute(
                    "INSERT INTO storefront_rebuild (product_id, done, at) VALUES ($1, $2, $3)"
                    " ON CONFLICT (one) DO UPDATE SET product_id = $1, done = $2, at = $3",
                    product_ids[-1],
                    done,
                    uow.clock.now(),
                )

        await self._db.run(work)

    async def _orphans(self) -> int:
        """Remove the rows of products that the catalogue does not have."""
        removed = 0
        for market in await self._markets.every():
            after = UUID(int=0)
            while rows := await self._db.fetch(
                "SELECT product_id FROM storefront_product WHERE market_id = $1"
                " AND product_id > $2 ORDER BY product_id LIMIT $3",
                market.id,
                after,
                _AT_ONCE,
            ):
                ids = [row["product_id"] for row in rows]
                after = ids[-1]
                kept = {document.product.id for document in await self._catalog.documents(ids)}
                gone = [product_id for product_id in ids if product_id not in kept]
                if gone:
                    await self._step(gone)
                    removed += len(gone)
        return removed

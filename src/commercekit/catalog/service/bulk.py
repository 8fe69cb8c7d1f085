"""Changing many products at once: shown first, then done by a job, each product in its own transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from commercekit.catalog import repository
from commercekit.catalog.errors import BulkRunNotFound, ProductRefused
from commercekit.catalog.models import NewProduct, Product, ProductFilter
from commercekit.catalog.models.bulk import (
    BulkChanges,
    BulkFault,
    BulkFilter,
    BulkPreview,
    BulkPreviewItem,
    BulkRequest,
    BulkRun,
    PriceRule,
    PriceStep,
)
from commercekit.catalog.service import CatalogService
from commercekit.catalog.service.saving import as_wanted
from commercekit.errors import FieldError, Refused
from commercekit.kernel import Money, new_id
from commercekit.platform.db import Database, UnitOfWork
from commercekit.platform.jobs import JobContext, JobKind, Jobs, Priority, Schedule

__all__ = ["BULK", "ProductBulk", "ShelfPrices"]

BULK = "catalog.bulk"

_SHOWN = 20
_AT_ONCE = 100


class ShelfPrices(Protocol):
    """Who keeps the prices; the catalogue does not."""

    async def current(self, skus: Sequence[str]) -> Mapping[str, Money]:
        """The price of each SKU that has one, in the calling task's unit of work if it has one."""
        ...

    async def change(self, uow: UnitOfWork, sku: str, amount: Money) -> None:
        """Make this the SKU's price."""
        ...


class BulkJob(Struct, frozen=True):
    """Which run to work on."""

    run_id: UUID


class ProductBulk:
    """Shows what a change of many would do, and does it.

    Where a run has come to is written in the transaction that changes the product, so that a run that
    dies goes on behind it: no price is changed twice.
    """

    def __init__(
        self, db: Database, catalog: CatalogService, prices: ShelfPrices, jobs: Jobs
    ) -> None:
        self._db = db
        self._catalog = catalog
        self._prices = prices
        self._jobs = jobs

    async def preview(self, request: BulkRequest) -> BulkPreview:
        """How many products are meant, and what the newest of them would become. Writes nothing."""
        _check(request.changes)
        where = _where(request.filter)
        items = []
        for product in await self._catalog.products(where, limit=_SHOWN):
            wanted = _wanted(product, request.changes)
            before = as_wanted(product)
            fields = tuple(
                f for f in before.__struct_fields__ if getattr(before, f) != getattr(wanted, f)
            )
            steps = await self._steps(product, request.changes.price)
            if fields or steps:
                items.append(
                    BulkPreviewItem(
                        product_id=product.id, slug=product.slug, fields=fields, prices=tuple(steps)
                    )
                )
        total = await repository.products.count(self._db, where)
        return BulkPreview(total=total, items=tuple(items))

    async def start(
        self, request: BulkRequest, *, run_id: UUID | None = None, actor: str = "system"
    ) -> BulkRun:
        """Have it done by a job; the same ``run_id`` twice starts one."""
        _check(request.changes)
        identifier = run_id or new_id()

        async def work(uow: UnitOfWork) -> None:
            total = await repository.products.count(self._db, _where(request.filter))
            if await repository.bulk.add(uow, identifier, request, actor, total):
                await self._jobs.enqueue(uow, BULK, BulkJob(identifier))

        await self._db.run(work)
        return await self.run(identifier)

    async def run(self, run_id: UUID) -> BulkRun:
        """How far a run has come; ``BulkRunNotFound`` when there is none of that id."""
        found = await repository.bulk.one(self._db, run_id)
        if found is None:
            raise BulkRunNotFound(run_id=str(run_id))
        return found

    async def prune(self, *, keep: timedelta = timedelta(days=30)) -> int:
        """Forget runs that have been through for so long; gives how many.

        What they changed stays in the history of each product.
        """
        return await repository.bulk.prune(self._db, self._db.clock.now() - keep)

    def job_kinds(self) -> list[JobKind]:
        """The work on a run."""

        async def work(context: JobContext) -> None:
            await self.work_on(context.payload.run_id, context)

        async def give_up(uow: UnitOfWork, payload: BulkJob) -> None:
            await repository.bulk.give_up(uow, payload.run_id)

        # Many thousand products take their time, and nobody waits for the last.
        return [
            JobKind(
                BULK,
                work,
                payload=BulkJob,
                priority=Priority.LOW,
                deadline=None,
                on_cancel=give_up,
            )
        ]

    def schedules(self) -> list[Schedule]:
        """None: runs are asked for."""
        return []

    async def work_on(self, run_id: UUID, context: JobContext | None = None) -> None:
        """Change what is left of the run; products that came after its start are left alone.

        Cancelled by way of ``context`` it stops between two products; one that is tried again goes on
        from there.
        """
        found = await self._db.run(lambda uow: repository.bulk.take_up(uow, run_id))
        if found is None:
            return
        request, last = found
        so_far = await self.run(run_id)
        done = so_far.changed + so_far.unchanged + so_far.failed
        # Newest first and behind the last one: what a change takes out of the filter moves nothing.
        after = last or run_id
        while ids := await repository.products.list_ids(
            self._db, _where(request.filter), after=after, limit=_AT_ONCE
        ):
            for product_id in ids:
                if context is not None:
                    context.check()
                await self._one(run_id, product_id, request.changes, so_far.actor)
                done += 1
                if context is not None:
                    context.progress(done, so_far.total)
            after = ids[-1]
        await self._db.run(lambda uow: repository.bulk.finish(uow, run_id))

    async def _one(self, run_id: UUID, product_id: UUID, changes: BulkChanges, actor: str) -> None:
        async def work(uow: UnitOfWork) -> None:
            held = await repository.products.lock_product(uow, product_id)
            product = (await repository.products.by_ids(self._db, [product_id])).get(product_id)
            outcome = "unchanged"
            if held and product is not None:
                wanted = _wanted(product, changes)
                _, outcome = await self._catalog.put_product(uow, product, wanted, actor=actor)
                for each in await self._steps(product, changes.price):
                    await self._prices.change(uow, each.sku, each.after)
                    outcome = "changed"
            if not await repository.bulk.step(uow, run_id, product_id, outcome):
                raise _DoneBefore

        try:
            await self._db.run(work)
        except _DoneBefore:
            return
        except Refused as refused:
            fault = BulkFault(
                product_id=product_id, slug=await self._slug(product_id), message=refused.detail
            )
            await self._db.run(
                lambda uow: repository.bulk.step(uow, run_id, product_id, "failed", fault)
            )

    async def _slug(self, product_id: UUID) -> str:
        found = await repository.products.by_ids(self._db, [product_id])
        return found[product_id].slug if product_id in found else ""

    async def _steps(self, product: Product, rule: PriceRule | None) -> list[PriceStep]:
        if rule is None:
            return []
        skus = [variant.sku for variant in product.variants]
        prices = await self._prices.current(skus)
        return [
            PriceStep(sku=sku, before=prices[sku], after=after)
            for sku in skus
            if sku in prices and (after := rule.applied(prices[sku])) != prices[sku]
        ]


class _DoneBefore(Exception):
    """Another worker was here; what this one did is undone."""


def _where(wanted: BulkFilter) -> ProductFilter:
    return ProductFilter(
        status=wanted.status,
        brand_id=wanted.brand_id,
        category_id=wanted.category_id,
        q=wanted.q,
    )


def _check(changes: BulkChanges) -> None:
    if changes == BulkChanges():
        message = "Say what is to change."
        raise ProductRefused(message, errors=(FieldError("/changes", "required", message),))


def _wanted(product: Product, changes: BulkChanges) -> NewProduct:
    base = as_wanted(product)
    tags = [tag for tag in base.tags if tag not in changes.remove_tags]
    shelves = set(base.category_ids) - set(changes.remove_category_ids)
    return msgspec.structs.replace(
        base,
        status=base.status if changes.status is UNSET else changes.status,
        brand_id=base.brand_id if changes.brand_id is UNSET else changes.brand_id,
        type=base.type if changes.type is UNSET else changes.type,
        tags=tuple(dict.fromkeys([*tags, *changes.add_tags])),
        category_ids=tuple(sorted(shelves | set(changes.add_category_ids))),
    )

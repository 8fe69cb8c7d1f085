"""Making the catalogue what a file says, some products at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from commercekit.catalog import repository
from commercekit.catalog.service import CatalogService
from commercekit.catalog.service.importing.batches import Batches, Outcome
from commercekit.catalog.service.importing.drafts import ProductDraft, draft_product
from commercekit.catalog.service.importing.report import ImportReport, RowFault
from commercekit.catalog.service.importing.rows import read_rows
from commercekit.catalog.service.importing.seen import FirstRows
from commercekit.catalog.service.importing.sinks import ImportSink
from commercekit.catalog.service.saving import as_wanted
from commercekit.errors import Refused
from commercekit.platform.db import Database, UnitOfWork

__all__ = ["ImportProducts"]

_PRODUCTS_AT_ONCE = 100
_ROWS_AT_ONCE = 500
"""A transaction is short enough for those who change one of its products meanwhile to wait."""

Progress = Callable[[ImportReport], None]
_Faults: TypeAlias = tuple[list[RowFault], list[RowFault]]


class _Read(NamedTuple):
    draft: ProductDraft
    rows: int


class _Place:
    """How far the import of a file has come, kept with every batch; faults only when there are new ones.

    There may be two thousand of them, which would be most of what a long file of faults writes.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self._listed = self._written = -1

    async def keep(self, uow: UnitOfWork, report: ImportReport) -> None:
        """Write the place in the batch's own transaction."""
        self._written = len(report.errors) + len(report.warnings)
        faults = None
        if self._written != self._listed:
            faults = msgspec.json.encode((report.errors, report.warnings)).decode()
        counts = msgspec.structs.replace(report, errors=[], warnings=[])
        text = msgspec.json.encode(counts).decode()
        await repository.lookups.keep_import(uow, self.key, text, faults)

    def is_kept(self) -> None:
        """The transaction is through."""
        self._listed = self._written


class _Ahead:
    """One batch is written while the next one is read: half of an import is waiting for the database."""

    def __init__(self) -> None:
        self._writing: asyncio.Task[None] | None = None

    async def begin(self, writing: Coroutine[Any, Any, None]) -> None:
        """Write the next one, after the one before. Raises what became of that."""
        try:
            await self.done()
        except BaseException:
            writing.close()
            raise
        self._writing = asyncio.create_task(writing)

    async def step(self) -> None:
        """Let what is being written go on."""
        if self._writing is not None:
            await asyncio.sleep(0)

    async def done(self) -> None:
        """Return when it is written; raises what kept it from that."""
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing

    async def given_up(self) -> None:
        """Nobody waits for it any more: what is being written is undone."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)


class ImportProducts:
    """Imports the CSV that Shopify exports. Running it again on the same file changes nothing.

    A product with a fault stays out, whole, and the others come in. The network is never asked: pictures
    are addresses, tried later by a job.
    """

    def __init__(self, db: Database, catalog: CatalogService, sink: ImportSink) -> None:
        self._db = db
        self._catalog = catalog
        self._sink = sink

    async def run(
        self,
        lines: Iterable[str],
        *,
        currency: str,
        language: str = "en",
        dry_run: bool = False,
        progress: Progress | None = None,
        key: str | None = None,
        resume: bool = False,
    ) -> ImportReport:
        """Read ``lines`` to the end and report; ``progress`` is called after each product.

        Open files with ``newline=""``. Raises ``ImportFileUnreadable`` when the file as a whole cannot
        be read; what came before the unreadable row is in. A dry run does everything and undoes it.

        With a ``key`` (a digest of the file) the place is kept in the transaction of each batch, and
        ``resume`` goes on right there after an end that was none.
        """
        kept = None if dry_run or key is None else _Place(key)
        report = await self._kept(kept.key) if kept and resume else None
        report = report or ImportReport(dry_run=dry_run)
        report.ignored_columns.clear()
        batches = Batches(self._db, self._catalog, self._sink, language=language, dry_run=dry_run)
        done = report.products
        count = rows = 0
        skus, slugs = FirstRows(), FirstRows()
        relations: dict[str, tuple[str, ...]] = {}
        waiting: list[_Read] = []
        ahead = _Ahead()
        try:
            for group in read_rows(lines, report.ignored_columns):
                await ahead.step()
                draft = draft_product(group, currency=currency, language=language)
                _refuse_repeats(draft, skus, slugs)
                if draft.related and not draft.errors:
                    relations[draft.slug] = draft.related
                count += 1
                if count <= done:
                    continue
                waiting.append(_Read(draft, len(group.rows)))
                rows += len(group.rows)
                if len(waiting) >= _PRODUCTS_AT_ONCE or rows >= _ROWS_AT_ONCE:
                    batch, waiting, rows = waiting, [], 0
                    await ahead.begin(self._put(batches, batch, report, kept, progress))
        except Exception:
            await ahead.begin(self._put(batches, waiting, report, kept, progress))
            await ahead.done()
            raise
        else:
            await ahead.begin(self._put(batches, waiting, report, kept, progress))
            await ahead.done()
        finally:
            await ahead.given_up()
        if not dry_run:
            for slug, related in relations.items():
                await self._relate(slug, related, report)
        if kept:
            await self._db.execute("DELETE FROM catalog_import_run WHERE digest = $1", kept.key)
        return report

    async def _put(
        self,
        batches: Batches,
        batch: Sequence[_Read],
        report: ImportReport,
        kept: _Place | None,
        progress: Progress | None,
    ) -> None:
        if not batch:
            return

        async def keep(uow: UnitOfWork, outcomes: list[Outcome]) -> None:
            if kept is not None:
                after = _copy(report)
                _count(after, batch, outcomes)
                await kept.keep(uow, after)

        drafts = [each.draft for each in batch if not each.draft.errors]
        if drafts:
            outcomes = await batches.put(drafts, keep)
        else:
            outcomes = []
            if kept is not None:
                async with self._db.unit_of_work() as uow:
                    await keep(uow, outcomes)
        if kept is not None:
            kept.is_kept()
        _count(report, batch, outcomes, progress)

    async def _kept(self, key: str) -> ImportReport | None:
        found = await repository.lookups.kept_import(self._db, key)
        if found is None:
            return None
        report = msgspec.json.decode(found[0], type=ImportReport)
        if found[1] is not None:
            report.errors, report.warnings = msgspec.json.decode(found[1], type=_Faults)
        return report

    async def _relate(self, slug: str, wanted: Sequence[str], report: ImportReport) -> None:
        """Name the related products, once all are in."""

        async def work(uow: UnitOfWork) -> None:
            current = await self._catalog.lock_by_slug(uow, slug)
            if current is None:
                return
            ids = await repository.lookups.product_ids_of_slugs(self._db, wanted)
            related = tuple(ids[each] for each in wanted if each in ids)
            relating = msgspec.structs.replace(as_wanted(current), related_ids=related)
            await self._catalog.put_product(uow, current, relating)

        try:
            await self._db.run(work)
        except Refused as refused:
            message = f"Its related products stay as they were: {refused.detail}"
            report.warn([RowFault(0, "Related", refused.slug, message)])


def _copy(report: ImportReport) -> ImportReport:
    return msgspec.structs.replace(
        report, errors=list(report.errors), warnings=list(report.warnings)
    )


def _count(
    report: ImportReport,
    batch: Sequence[_Read],
    outcomes: Sequence[Outcome],
    progress: Progress | None = None,
) -> None:
    """Add what became of a batch, in the order of the file; ``outcomes`` are of those without faults."""
    following = iter(outcomes)
    for draft, rows in batch:
        report.rows += rows
        outcome = None if draft.errors else next(following)
        if outcome is None:
            report.refuse(draft.errors)
        elif isinstance(outcome, Refused):
            report.refuse(_faults(draft, outcome))
        else:
            setattr(report, outcome, getattr(report, outcome) + 1)
            report.variants += len(draft.variants)
            report.images += len(draft.images)
            report.warn(draft.warnings)
        if progress is not None:
            progress(report)


def _refuse_repeats(draft: ProductDraft, skus: FirstRows, slugs: FirstRows) -> None:
    """A SKU or a handle stands for one thing in a file, whether or not the run is dry."""
    if draft.slug:
        first = slugs.note(draft.slug, draft.row)
        if first != draft.row and not any(f.code == "handle-repeated" for f in draft.errors):
            message = f"Row {first} has the same handle once it is part of an address."
            draft.errors.append(RowFault(draft.row, "Handle", "handle-repeated", message))
    within: dict[str, int] = {}
    for variant in draft.variants:
        if not variant.sku:
            continue
        first = within.setdefault(variant.sku, variant.row)
        if first == variant.row:
            first = skus.row_of(variant.sku) or variant.row
        if first != variant.row:
            message = f"The SKU {variant.sku!r} is there twice; row {first} had it first."
            draft.errors.append(RowFault(variant.row, "Variant SKU", "duplicate-sku", message))
    if not draft.errors:
        for sku, row in within.items():
            skus.note(sku, row)


def _faults(draft: ProductDraft, refused: Refused) -> list[RowFault]:
    """A refusal by the rules, as faults of the rows that caused it."""
    if "code" in refused.extra:
        row = refused.extra.get("row", draft.row)
        column = refused.extra.get("column", "")
        return [RowFault(row, column, refused.extra["code"], refused.detail)]
    errors = getattr(refused, "errors", ())
    if errors:
        return [RowFault(_row_of(draft, e.pointer), "", e.code, e.message) for e in errors]
    sku = refused.extra.get("sku")
    if sku is not None:
        row = next((v.row for v in draft.variants if v.sku == sku), draft.row)
        return [RowFault(row, "Variant SKU", refused.slug, refused.detail)]
    return [RowFault(draft.row, "", refused.slug, refused.detail)]


def _row_of(draft: ProductDraft, pointer: str) -> int:
    parts = pointer.split("/")
    if len(parts) > 2 and parts[1] == "variants" and parts[2].isdigit():
        index = int(parts[2])
        if index < len(draft.variants):
            return draft.variants[index].row
    return draft.row

"""Some products of a file, put in together: one transaction, and each table written once.

New products that are fit go in set by set; known ones that the file does not change cost a comparison;
the few others go the way of a single product, inside a savepoint.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from commercekit.catalog import repository
from commercekit.catalog.errors import ProductRefused
from commercekit.catalog.models import NewBrand, NewCategory, NewProduct, Product
from commercekit.catalog.service import CatalogService
from commercekit.catalog.service.adding import Judged, add_products, judged
from commercekit.catalog.service.importing.drafts import ProductDraft
from commercekit.catalog.service.importing.sinks import FileOffer, ImportSink
from commercekit.catalog.service.importing.wishes import (
    Groups,
    brand_slug_of,
    shelf_paths_of,
    wish,
)
from commercekit.catalog.service.saving import as_wanted, cleaned
from commercekit.errors import Refused
from commercekit.kernel import Money, new_id
from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Batches", "Outcome"]

Change: TypeAlias = Literal["created", "changed", "unchanged"]
Outcome: TypeAlias = Change | Refused
"""What became of a product, or what kept it out."""
Known = dict[str, Product]
Then: TypeAlias = Callable[[UnitOfWork, list[Outcome]], Awaitable[None]]


class _Undone(Exception):
    def __init__(self, outcomes: list[Outcome]) -> None:
        super().__init__()
        self.outcomes = outcomes


class Batches:
    """Puts drafts without faults into the catalogue."""

    def __init__(
        self,
        db: Database,
        catalog: CatalogService,
        sink: ImportSink,
        *,
        language: str,
        dry_run: bool,
    ) -> None:
        self._db = db
        self._catalog = catalog
        self._sink = sink
        self._language = language
        self._dry_run = dry_run

    async def put(self, drafts: Sequence[ProductDraft], then: Then) -> list[Outcome]:
        """What became of each; ``then`` runs in the same unit of work.

        Refused by prices, stock or somebody who was faster, the batch is undone and each product tried by
        itself; ``then`` runs with the last one.
        """
        try:
            return await self._together(drafts, then)
        except Refused as refused:
            if len(drafts) == 1:
                async with self._db.unit_of_work() as uow:
                    await then(uow, [refused])
                return [refused]
        outcomes: list[Outcome] = []

        async def last(uow: UnitOfWork, own: list[Outcome]) -> None:
            if len(outcomes) == len(drafts) - 1:
                await then(uow, [*outcomes, *own])

        for draft in drafts:
            outcomes += await self.put([draft], last)
        return outcomes

    async def _together(self, drafts: Sequence[ProductDraft], then: Then) -> list[Outcome]:
        async def work(uow: UnitOfWork) -> list[Outcome]:
            outcomes = await self._put(uow, drafts)
            if self._dry_run:
                await uow.flush()
                raise _Undone(outcomes)
            await then(uow, outcomes)
            return outcomes

        try:
            return await self._db.run(work)
        except _Undone as undone:
            return undone.outcomes

    async def _put(self, uow: UnitOfWork, drafts: Sequence[ProductDraft]) -> list[Outcome]:
        known = await self._catalog.lock_by_slugs(uow, [draft.slug for draft in drafts])
        groups = await self._groups(uow, drafts)
        ids = [new_id() for _ in drafts]
        verdicts = await self._judge(drafts, known, groups)
        # Asked now: what one draft has made for it the next one lacks no more, but its wish does.
        lacking = [groups.lacks(draft, self._language) for draft in drafts]
        outcomes: dict[int, Outcome] = {}
        written: dict[int, NewProduct] = {}
        together: list[tuple[UUID, NewProduct]] = []
        alone: list[int] = []
        for place, draft in enumerate(drafts):
            verdict = verdicts[place]
            if isinstance(verdict, NewProduct) and lacking[place]:
                verdict = await self._with_groups(uow, draft, known, groups, verdict)
            current = known.get(draft.slug)
            if isinstance(verdict, Refused):
                outcomes[place] = verdict
            elif verdict is None:
                alone.append(place)
            elif current is None:
                together.append((ids[place], verdict))
                outcomes[place], written[place] = "created", verdict
            elif cleaned(verdict) == as_wanted(current):
                outcomes[place], written[place] = "unchanged", verdict
            else:
                alone.append(place)
        await add_products(uow, together, actor="import")
        for place in alone:
            outcomes[place], wanted = await self._alone(uow, drafts[place], known, ids[place])
            if wanted is not None:
                written[place] = wanted
        await self._offer(uow, drafts, known, written, outcomes)
        return [outcomes[place] for place in range(len(drafts))]

    async def _judge(
        self, drafts: Sequence[ProductDraft], known: Known, groups: Groups
    ) -> list[Judged]:
        """The wish of each, or what keeps it out; new ones are judged, and ``None`` goes by itself."""
        wishes = [
            None if groups.undefined(draft) else self._wish(draft, known, groups)
            for draft in drafts
        ]
        verdicts: list[Judged] = list(wishes)
        fresh = {
            place: wanted
            for place, wanted in enumerate(wishes)
            if isinstance(wanted, NewProduct) and drafts[place].slug not in known
        }
        types = {wanted.type for wanted in fresh.values() if wanted.type}
        defined = await repository.attributes.of_types(self._db, types) if types else {}
        found = await judged(self._db, list(fresh.values()), defined)
        for place, verdict in zip(fresh, found, strict=True):
            verdicts[place] = verdict
        return verdicts

    async def _with_groups(
        self,
        uow: UnitOfWork,
        draft: ProductDraft,
        known: Known,
        groups: Groups,
        verdict: NewProduct,
    ) -> NewProduct | Refused:
        """The wish on the shelves and with the brand that are made for it now."""
        refused = await self._make_groups(uow, draft, groups)
        if refused is not None:
            return refused
        wanted = self._wish(draft, known, groups)
        if isinstance(wanted, Refused):
            return wanted
        return msgspec.structs.replace(
            verdict,
            brand_id=wanted.brand_id,
            category_ids=tuple(sorted(set(wanted.category_ids))),
        )

    def _wish(self, draft: ProductDraft, known: Known, groups: Groups) -> NewProduct | Refused:
        try:
            return wish(draft, known.get(draft.slug), groups, self._language)
        except ProductRefused as refused:
            return refused

    async def _groups(self, uow: UnitOfWork, drafts: Sequence[ProductDraft]) -> Groups:
        language = self._language
        brands = {brand_slug_of(draft, language) for draft in drafts if draft.brand}
        shelves = {
            slug for draft in drafts for path in shelf_paths_of(draft, language) for slug, _ in path
        }
        types = {new.product_type for draft in drafts for new, _ in draft.attributes or ()}
        return Groups(
            await repository.adding.brand_ids(uow, brands) if brands else {},
            await repository.adding.category_ids(uow, shelves) if shelves else {},
            await repository.attributes.of_types(self._db, types) if types else {},
        )

    async def _make_groups(
        self, uow: UnitOfWork, draft: ProductDraft, groups: Groups
    ) -> Refused | None:
        """Make the brand, shelves and attributes of a draft that are missing; those there stay."""
        brands, shelves = dict(groups.brands), dict(groups.shelves)
        attributes = {kind: list(defined) for kind, defined in groups.attributes.items()}
        try:
            async with uow.nested():
                for path in shelf_paths_of(draft, self._language):
                    await self._make_shelves(uow, path, shelves)
                if draft.brand:
                    slug = brand_slug_of(draft, self._language)
                    if slug not in brands:
                        new = NewBrand(slug=slug, name=draft.brand)
                        brands[slug] = (await self._catalog.create_brand_in(uow, new)).id
                for attribute, _ in draft.attributes or ():
                    defined = attributes.setdefault(attribute.product_type, [])
                    if all(each.code != attribute.code for each in defined):
                        defined.append(await self._catalog.define_attribute_in(uow, attribute))
        except Refused as refused:
            return refused
        groups.brands.update(brands)
        groups.shelves.update(shelves)
        groups.attributes.update(attributes)
        return None

    async def _make_shelves(
        self, uow: UnitOfWork, path: list[tuple[str, dict[str, str]]], shelves: dict[str, UUID]
    ) -> None:
        parent_id: UUID | None = None
        for slug, names in path:
            if slug not in shelves:
                new = NewCategory(slug=slug, name=names, parent_id=parent_id)
                shelves[slug] = (await self._catalog.create_category_in(uow, new)).id
            parent_id = shelves[slug]

    async def _alone(
        self, uow: UnitOfWork, draft: ProductDraft, known: Known, product_id: UUID
    ) -> tuple[Outcome, NewProduct | None]:
        """The way of one product, which leaves nothing behind when it is refused."""
        try:
            async with uow.nested():
                groups = await self._groups(uow, [draft])
                refused = await self._make_groups(uow, draft, groups)
                if refused is not None:
                    raise refused
                current = known.get(draft.slug)
                wanted = wish(draft, current, groups, self._language)
                saved, outcome = await self._catalog.put_product(
                    uow, current, wanted, product_id=product_id
                )
                return outcome, as_wanted(await self._catalog.product(saved.product_id))
        except Refused as refused:
            return refused, None

    async def _offer(
        self,
        uow: UnitOfWork,
        drafts: Sequence[ProductDraft],
        known: Known,
        written: dict[int, NewProduct],
        outcomes: dict[int, Outcome],
    ) -> None:
        """Hand on costs, prices and stock of what came in; a change of these alone is a change, too."""
        offers: list[FileOffer] = []
        costs: dict[str, Money | None] = {}
        places: dict[str, int] = {}
        for place, wanted in sorted(written.items()):
            draft = drafts[place]
            current = known.get(draft.slug)
            had = {variant.sku for variant in current.variants} if current else set()
            by_values = {tuple(v.options.values()): v.sku for v in wanted.variants}
            for variant in draft.variants:
                sku = variant.sku or by_values[variant.values]
                places[sku] = place
                if variant.cost is not None:
                    costs[sku] = variant.cost
                offers.append(
                    FileOffer(
                        sku,
                        variant.price,
                        variant.compare_at,
                        variant.quantity,
                        variant.allow_backorder,
                        sku not in had,
                    )
                )
        new = {offer.sku for offer in offers if offer.new}
        changed = await self._catalog.costs.put(uow, costs, actor="import", new=new)
        for sku in changed.union(await self._sink.take(uow, offers) if offers else ()):
            if outcomes[places[sku]] == "unchanged":
                outcomes[places[sku]] = "changed"

"""Making the catalogue what a file says, product by product, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from commercekit.catalog import repository, rules
from commercekit.catalog.errors import ProductRefused
from commercekit.catalog.models import (
    AttributeValue,
    NewAttribute,
    NewBrand,
    NewCategory,
    NewImage,
    NewProduct,
    NewVariant,
    Option,
    OptionValue,
    Product,
)
from commercekit.catalog.service import CatalogService
from commercekit.catalog.service.importing.drafts import (
    ProductDraft,
    VariantDraft,
    draft_product,
    labels_of,
)
from commercekit.catalog.service.importing.report import ImportReport, RowFault
from commercekit.catalog.service.importing.rows import read_rows
from commercekit.catalog.service.saving import as_wanted
from commercekit.errors import Refused
from commercekit.kernel import Money
from commercekit.platform.db import Database, UnitOfWork

__all__ = ["ImportProducts", "ImportSink"]

_KEEP_EVERY = 20

Outcome = Literal["created", "changed", "unchanged"]


class ImportSink(Protocol):
    """Who keeps what a product file says besides the product: prices and stock.

    Called inside the unit of work of the product, so that both come in together or not at all. Each
    tells whether anything changed.
    """

    async def set_price(
        self, uow: UnitOfWork, sku: str, amount: Money, compare_at: Money | None
    ) -> bool:
        """Make this the SKU's price."""
        ...

    async def set_stock(
        self, uow: UnitOfWork, sku: str, quantity: int | None, *, allow_backorder: bool, new: bool
    ) -> bool:
        """Make this the SKU's stock; ``None`` is not counted.

        ``new`` says that the SKU came with this import. The number in a file is older than what was
        sold since: a sink should leave the stock of a known SKU alone unless asked otherwise.
        """
        ...


class _DryRunDone(Exception):
    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome: Outcome = outcome


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
        progress: Callable[[ImportReport], None] | None = None,
        key: str | None = None,
        resume: bool = False,
    ) -> ImportReport:
        """Read ``lines`` to the end and report; ``progress`` is called after each product.

        Open files with ``newline=""``. Raises ``ImportFileUnreadable`` when the file as a whole cannot
        be read; what came before the unreadable row is in. A dry run does everything and undoes it.

        With a ``key`` (a digest of the file) the place is kept every few products, and ``resume`` goes
        on there after an end that was none. Products that came in after the last place kept are
        counted as unchanged.
        """
        kept = None if dry_run else key
        report = await self._kept(kept) if kept and resume else None
        report = report or ImportReport(dry_run=dry_run)
        report.ignored_columns.clear()
        done = report.products
        count = 0
        # By number instead of by text: what is remembered of every row must stay small.
        skus: dict[int, int] = {}
        slugs: dict[int, int] = {}
        relations: dict[str, tuple[str, ...]] = {}
        for group in read_rows(lines, report.ignored_columns):
            draft = draft_product(group, currency=currency, language=language)
            _refuse_repeats(draft, skus, slugs)
            if draft.related and not draft.errors:
                relations[draft.slug] = draft.related
            count += 1
            if count <= done:
                continue
            report.rows += len(group.rows)
            if draft.errors:
                report.refuse(draft.errors)
            else:
                await self._one(draft, report, language)
            if progress is not None:
                progress(report)
            if kept and count % _KEEP_EVERY == 0:
                await self._keep(kept, report)
        if not dry_run:
            for slug, related in relations.items():
                await self._relate(slug, related, report)
        if kept:
            await self._db.execute("DELETE FROM catalog_import_run WHERE digest = $1", kept)
        return report

    async def _keep(self, key: str, report: ImportReport) -> None:
        async with self._db.unit_of_work() as uow:
            await repository.lookups.keep_import(uow, key, msgspec.json.encode(report).decode())

    async def _kept(self, key: str) -> ImportReport | None:
        text = await repository.lookups.kept_import(self._db, key)
        return msgspec.json.decode(text, type=ImportReport) if text else None

    async def _one(self, draft: ProductDraft, report: ImportReport, language: str) -> None:
        try:
            outcome = await self._db.run(
                lambda uow: self._put(uow, draft, language, dry_run=report.dry_run)
            )
        except _DryRunDone as done:
            outcome = done.outcome
        except Refused as refused:
            report.refuse(_faults(draft, refused))
            return
        setattr(report, outcome, getattr(report, outcome) + 1)
        report.variants += len(draft.variants)
        report.images += len(draft.images)
        report.warn(draft.warnings)

    async def _put(
        self, uow: UnitOfWork, draft: ProductDraft, language: str, *, dry_run: bool
    ) -> Outcome:
        current = await self._catalog.lock_by_slug(uow, draft.slug)
        wanted = await self._wanted(uow, draft, current, language)
        saved, outcome = await self._catalog.put_product(uow, current, wanted)
        product = await self._catalog.product(saved.product_id)
        known = {variant.sku for variant in current.variants} if current else set()
        by_values = {tuple(variant.options.values()): variant.sku for variant in product.variants}
        moved = False
        for variant in draft.variants:
            sku = variant.sku or by_values[variant.values]
            if variant.price is not None:
                moved |= await self._sink.set_price(uow, sku, variant.price, variant.compare_at)
            moved |= await self._sink.set_stock(
                uow,
                sku,
                variant.quantity,
                allow_backorder=variant.allow_backorder,
                new=sku not in known,
            )
        if outcome == "unchanged" and moved:
            outcome = "changed"
        if dry_run:
            await uow.flush()
            raise _DryRunDone(outcome)
        return outcome

    async def _wanted(
        self, uow: UnitOfWork, draft: ProductDraft, current: Product | None, language: str
    ) -> NewProduct:
        """What the product shall be: the file's word where it has one, the present state elsewhere."""
        base = as_wanted(current) if current else NewProduct(slug=draft.slug, name={})
        if not draft.name and current is None:
            message = "The first row of a product carries its title."
            raise ProductRefused(message, column="Title", code="missing-title")
        options = _options(draft, base)
        category_ids = base.category_ids
        if draft.shelves is not None:
            category_ids = tuple([await self._shelf(uow, path) for path in draft.shelves if path])
        elif draft.category:
            category_id = await self._category(uow, draft.category, language)
            category_ids = (*category_ids, category_id)
        brand_id = await self._brand(uow, draft, language) if draft.brand else base.brand_id
        file_urls = {image.url for image in draft.images}
        kept = tuple(image for image in base.images if image.url not in file_urls)
        before = {image.url: image for image in base.images}
        images = tuple(
            NewImage(
                url=image.url,
                alt={**(before[image.url].alt if image.url in before else {}), **image.alt},
            )
            for image in draft.images
        )
        says_status = bool({"Status", "Published"} & draft.given) or current is None
        return msgspec.structs.replace(
            base,
            name={**base.name, **draft.name},
            description={**base.description, **draft.description},
            status=draft.status if says_status else base.status,
            brand_id=brand_id,
            type=draft.type or base.type,
            tags=draft.tags if "Tags" in draft.given else base.tags,
            category_ids=category_ids,
            seo_title={**base.seo_title, **draft.seo_title},
            seo_description={**base.seo_description, **draft.seo_description},
            options=options,
            images=images + kept,
            attributes=base.attributes
            if draft.attributes is None
            else await self._attributes(uow, draft.attributes),
            publish_at=draft.publish_at if "Publish At" in draft.given else base.publish_at,
            unpublish_at=draft.unpublish_at if "Unpublish At" in draft.given else base.unpublish_at,
            variants=_variants(draft, base, options),
        )

    async def _brand(self, uow: UnitOfWork, draft: ProductDraft, language: str) -> UUID:
        names = draft.brand
        name = names.get(language) or next(iter(names.values()))
        slug = draft.brand_slug or rules.slugify(name) or "brand"
        found = await self._catalog.brand_by_slug(slug)
        if found is None:
            found = await self._catalog.create_brand_in(uow, NewBrand(slug=slug, name=names))
        return found.id

    async def _attributes(
        self, uow: UnitOfWork, given: Sequence[tuple[NewAttribute, AttributeValue]]
    ) -> dict[str, AttributeValue]:
        """The values by code; definitions that are missing are made, those there stay as they are."""
        for new, _ in given:
            known = await repository.attributes.of_type(self._db, new.product_type)
            if all(each.code != new.code for each in known):
                await self._catalog.define_attribute_in(uow, new)
        return {new.code: value for new, value in given}

    async def _relate(self, slug: str, wanted: Sequence[str], report: ImportReport) -> None:
        """Name the related products, once all are in; ``slug`` counts as changed only if it was not new."""

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

    async def _shelf(self, uow: UnitOfWork, path: list[tuple[str, dict[str, str]]]) -> UUID:
        """The last category of the path; those that are missing are made, those there stay as they are."""
        parent_id: UUID | None = None
        for slug, names in path:
            found = await self._catalog.category_by_slug(slug)
            if found is None:
                new = NewCategory(slug=slug, name=names, parent_id=parent_id)
                found = await self._catalog.create_category_in(uow, new)
            parent_id = found.id
        if parent_id is None:
            raise ValueError(path)
        return parent_id

    async def _category(self, uow: UnitOfWork, names: dict[str, str], language: str) -> UUID:
        name = names.get(language) or next(iter(names.values()))
        slug = rules.slugify(name) or "category"
        found = await self._catalog.category_by_slug(slug)
        if found is None:
            found = await self._catalog.create_category_in(uow, NewCategory(slug=slug, name=names))
        return found.id


def _options(draft: ProductDraft, base: NewProduct) -> tuple[Option, ...]:
    """The file's options; values and translations that only the product has stay."""
    if draft.options is not None:
        return draft.options
    if not draft.variants:
        return base.options
    before = {option.code: option for option in base.options}
    options = []
    for code in draft.option_codes:
        old = before.get(code)
        old_values = {value.code: value for value in old.values} if old else {}
        values = [
            OptionValue(
                code=value,
                label={**(old_values[value].label if value in old_values else {}), **labels},
            )
            for value, labels in labels_of(draft, code)
        ]
        named = {value.code for value in values}
        values += [value for key, value in old_values.items() if key not in named]
        name = {**(old.name if old else {}), **draft.option_names[code]}
        options.append(Option(code=code, name=name, values=tuple(values)))
    return tuple(options)


def _variants(
    draft: ProductDraft, base: NewProduct, options: tuple[Option, ...]
) -> tuple[NewVariant, ...]:
    """The file's variants, then those that only the product has, which must fit its options still."""
    if not draft.variants:
        return base.variants
    by_sku = {variant.sku: variant for variant in base.variants}
    by_values = {tuple(variant.options.values()): variant for variant in base.variants}
    result = []
    used = set()
    for variant in draft.variants:
        chosen = dict(zip(draft.option_codes, variant.values, strict=True))
        old = by_sku.get(variant.sku) if variant.sku else by_values.get(variant.values)
        twin = by_values.get(variant.values)
        if variant.sku and old is None and twin is not None:
            message = f"This combination is sold as {twin.sku!r}; a SKU does not change."
            raise ProductRefused(message, row=variant.row, column="Variant SKU", code="sku-differs")
        if old is not None:
            used.add(old.sku)
        result.append(_variant(variant, old, chosen))
    left = [variant for variant in base.variants if variant.sku not in used]
    for kept in left:
        if rules.combination(options, kept.options) is None:
            message = f"Variant {kept.sku!r} is not in the file and does not fit its options."
            raise ProductRefused(message, column="Option1 Name", code="options-conflict")
    return (*result, *left)


def _variant(draft: VariantDraft, old: NewVariant | None, chosen: dict[str, str]) -> NewVariant:
    return NewVariant(
        sku=old.sku if old else draft.sku,
        options=chosen,
        barcode=draft.barcode or (old.barcode if old else ""),
        weight_grams=draft.weight_grams,
        tax_class=draft.tax_class,
        requires_shipping=draft.requires_shipping,
        image_url=draft.image_url or (old.image_url if old else ""),
    )


def _refuse_repeats(draft: ProductDraft, skus: dict[int, int], slugs: dict[int, int]) -> None:
    """A SKU or a handle stands for one thing in a file, whether or not the run is dry."""
    if draft.slug:
        first = slugs.setdefault(hash(draft.slug), draft.row)
        if first != draft.row and not any(f.code == "handle-repeated" for f in draft.errors):
            message = f"Row {first} has the same handle once it is part of an address."
            draft.errors.append(RowFault(draft.row, "Handle", "handle-repeated", message))
    within: set[str] = set()
    for variant in draft.variants:
        owner = skus.get(hash(variant.sku)) if variant.sku else None
        if variant.sku in within or (owner is not None and owner != hash(draft.slug)):
            message = f"The SKU {variant.sku!r} is there twice."
            draft.errors.append(RowFault(variant.row, "Variant SKU", "duplicate-sku", message))
        if variant.sku:
            within.add(variant.sku)
    if not draft.errors:
        skus.update(dict.fromkeys(map(hash, within), hash(draft.slug)))


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

"""Writing what the catalogue holds as the CSV that the import reads, without loss."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import msgspec

from commercekit.catalog import repository
from commercekit.catalog.models import (
    Attribute,
    Brand,
    Category,
    NewAttribute,
    Option,
    Product,
    ProductStatus,
    Variant,
)
from commercekit.catalog.service import CatalogService
from commercekit.catalog.service.importing.drafts import COST, UNTAXED
from commercekit.catalog.service.importing.rows import COLUMNS, TRANSLATED
from commercekit.kernel import Money
from commercekit.platform.db import Database

__all__ = ["ExportProducts", "ExportSource", "Offer", "escaped_cell"]

_AT_ONCE = 100


class Offer(NamedTuple):
    """What a variant costs and how much of it there is: the catalogue keeps neither."""

    price: Money | None
    compare_at: Money | None
    quantity: int | None
    """``None``: not counted, always to be had."""
    allow_backorder: bool


class ExportSource(Protocol):
    """Who knows prices and stock; the counterpart of the import's sink."""

    async def offers(self, skus: Sequence[str]) -> Mapping[str, Offer]:
        """The offer of each SKU; one left out has no price and none in stock."""
        ...


class ExportProducts:
    """Exports every product. Importing the file into an empty shop and exporting that gives the same bytes.

    Products come by slug, a hundred at a time, so that memory does not grow with the catalogue. One
    that changes meanwhile is as it was when its turn came.
    """

    def __init__(
        self, db: Database, catalog: CatalogService, source: ExportSource, *, language: str = "en"
    ) -> None:
        """``language`` is the one of plain columns, unless a call says another."""
        self._language = language
        self._db = db
        self._catalog = catalog
        self._source = source

    async def text(self, *, language: str | None = None, costs: bool = False) -> AsyncIterator[str]:
        """The file in pieces; plain columns are in ``language``, others in columns of their own.

        What goods cost the shop is in it only with ``costs``: for whoever may see that.
        """
        language = language or self._language
        languages = await repository.lookups.languages(self._db)
        others = sorted(set(languages) - {language})
        columns = [each for each in _columns(others) if costs or each != COST]
        out = io.StringIO()
        writer = csv.writer(out)  # ends rows as RFC 4180 has it, and so quotes both halves
        writer.writerow(columns)
        defined = {
            (each.product_type, each.code): _definition(each)
            for each in await self._catalog.attributes(limit=100_000)
        }
        categories = {each.id: each for each in await self._catalog.categories()}
        after = ""
        while True:
            ids = await repository.lookups.product_ids_by_slug(self._db, after, _AT_ONCE)
            if not ids:
                break
            documents = await self._catalog.documents(list(ids.values()))
            variants = [v for d in documents for v in d.product.variants]
            offers = await self._source.offers([each.sku for each in variants])
            known = await self._catalog.costs.of([each.id for each in variants]) if costs else {}
            related = [each for d in documents for each in d.product.related_ids]
            slugs = await repository.lookups.slugs_of(self._db, related)
            for document in documents:
                rows = _rows(document.product, document.brand, categories, offers, language, others)
                rows[0] |= _ours(document.product, defined, slugs)
                for row, variant in zip(rows, document.product.variants, strict=False):
                    row[COST] = _cost_cell(known.get(variant.id), offers.get(variant.sku))
                writer.writerows([[row.get(column, "") for column in columns] for row in rows])
            after = list(ids)[-1]
            yield _taken(out)
        rest = _taken(out)
        if rest:
            yield rest


def _taken(out: io.StringIO) -> str:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text


def _columns(others: Sequence[str]) -> list[str]:
    columns: list[str] = []
    for column in COLUMNS:
        columns.append(column)
        if column in TRANSLATED and column != "Type":
            columns += [f"{column} [{language}]" for language in others]
    return columns


def _rows(
    product: Product,
    brand: Brand | None,
    categories: Mapping[UUID, Category],
    offers: Mapping[str, Offer],
    language: str,
    others: Sequence[str],
) -> list[dict[str, str]]:
    texts = _Texts(language, others)
    count = max(1, len(product.variants), len(product.images))
    rows: list[dict[str, str]] = [{"Handle": product.slug} for _ in range(count)]
    first = rows[0]
    texts.put(first, "Title", product.name)
    texts.put(first, "Body (HTML)", product.description)
    first["Type"] = product.type
    first["Tags"] = tag_cell(product.tags)
    first["Status"] = product.status.value
    first["Published"] = _flag(product.status is ProductStatus.ACTIVE)
    texts.put(first, "SEO Title", product.seo_title)
    texts.put(first, "SEO Description", product.seo_description)
    if brand is not None:
        texts.put(first, "Vendor", brand.name)
        first["Vendor Handle"] = brand.slug
    first["Categories"] = _json(
        sorted(
            (_path(categories, each) for each in product.category_ids),
            key=lambda path: [slug for slug, _ in path],
        )
    )
    _put_options(rows, product, texts)
    urls = {image.id: image.url for image in product.images}
    for row, variant in zip(rows, product.variants, strict=False):
        _put_variant(row, variant, offers.get(variant.sku), urls)
    for row, image in zip(rows, product.images, strict=False):
        row["Image Src"] = image.url
        row["Image Position"] = str(image.position)
        texts.put(row, "Image Alt Text", image.alt)
    return [
        {
            column: cell if column in _NUMBERS else escaped_cell(cell)
            for column, cell in row.items()
            if cell
        }
        for row in rows
    ]


def _ours(
    product: Product,
    defined: Mapping[tuple[str, str], NewAttribute],
    slugs: Mapping[UUID, str],
) -> dict[str, str]:
    """Cells that no other shop has."""
    values = [
        (defined[product.type, code], value)
        for code, value in product.attributes.items()
        if (product.type, code) in defined
    ]
    cells = {
        "Attributes": _json(values) if values else "",
        "Related": " ".join(slugs[each] for each in product.related_ids if each in slugs),
        "Publish At": _moment(product.publish_at),
        "Unpublish At": _moment(product.unpublish_at),
    }
    return {column: cell for column, cell in cells.items() if cell}


def _cost_cell(cost: Money | None, offer: Offer | None) -> str:
    """In the currency of the price beside it; one in another says so, and is read like that."""
    if cost is None:
        return ""
    price = offer.price if offer else None
    plain = str(cost.to_decimal())
    return plain if price and price.currency == cost.currency else f"{plain} {cost.currency}"


def _definition(attribute: Attribute) -> NewAttribute:
    return NewAttribute(
        **{field: getattr(attribute, field) for field in NewAttribute.__struct_fields__}
    )


def _moment(moment: datetime | None) -> str:
    return msgspec.to_builtins(moment.astimezone(UTC)) if moment else ""


_NUMBERS = frozenset({"Variant Grams", "Variant Inventory Qty", "Variant Price", "Image Position"})


def _put_options(rows: list[dict[str, str]], product: Product, texts: _Texts) -> None:
    """Columns as others read them, and beside them all that these cannot say."""
    if not product.options:
        if product.variants:
            rows[0]["Option1 Name"], rows[0]["Option1 Value"] = "Title", "Default Title"
        return
    for number, option in enumerate(product.options, 1):
        texts.put_named(rows[0], f"Option{number} Name", option.code, option.name)
        labels = {value.code: value.label for value in option.values}
        for row, variant in zip(rows, product.variants, strict=False):
            code = variant.options[option.code]
            texts.put_named(row, f"Option{number} Value", code, labels.get(code, {}))
    if not _is_told(product, texts.language):
        rows[0]["Options"] = _json(product.options)


def _is_told(product: Product, language: str) -> bool:
    """Whether the option columns alone say everything there is."""

    def plain(code: str, label: Mapping[str, str]) -> bool:
        return label.get(language) == code

    return all(
        _used(product, option) == [value.code for value in option.values]
        and plain(option.code, option.name)
        and all(plain(value.code, value.label) for value in option.values)
        for option in product.options
    ) and not (len(product.options) == 1 and product.options[0].code == "Title")


def _used(product: Product, option: Option) -> list[str]:
    return list(dict.fromkeys(variant.options[option.code] for variant in product.variants))


def _put_variant(
    row: dict[str, str], variant: Variant, offer: Offer | None, urls: Mapping[UUID, str]
) -> None:
    row["Variant SKU"] = variant.sku
    row["Variant Grams"] = str(variant.weight_grams)
    row["Variant Barcode"] = variant.barcode
    row["Variant Requires Shipping"] = _flag(variant.requires_shipping)
    row["Variant Taxable"] = _flag(variant.tax_class != UNTAXED)
    row["Variant Tax Class"] = variant.tax_class
    row["Variant Image"] = urls.get(variant.image_id, "") if variant.image_id else ""
    price = offer.price if offer else None
    row["Variant Priced"] = _flag(price is not None)
    if price is not None and offer is not None:
        row["Variant Price"] = str(price.to_decimal())
        if offer.compare_at is not None:
            row["Variant Compare At Price"] = str(offer.compare_at.to_decimal())
    quantity = offer.quantity if offer else 0
    if quantity is not None:
        row["Variant Inventory Tracker"] = "shopify"
        row["Variant Inventory Qty"] = str(quantity)
    backorder = offer is not None and offer.allow_backorder
    row["Variant Inventory Policy"] = "continue" if backorder else "deny"


class _Texts:
    def __init__(self, language: str, others: Sequence[str]) -> None:
        self.language = language
        self._others = others

    def put(self, row: dict[str, str], column: str, texts: Mapping[str, str]) -> None:
        """The text of the file's language in the plain column, others in theirs."""
        self.put_named(row, column, texts.get(self.language, ""), texts)

    def put_named(
        self, row: dict[str, str], column: str, plain: str, texts: Mapping[str, str]
    ) -> None:
        row[column] = plain
        for language in self._others:
            if language in texts:
                row[f"{column} [{language}]"] = texts[language]


def _path(
    categories: Mapping[UUID, Category], category_id: UUID
) -> list[tuple[str, dict[str, str]]]:
    """The category with all above it, from the top, each as slug and names."""
    path = []
    here: UUID | None = category_id
    while here is not None:
        category = categories.get(here)
        if category is None:
            break
        path.append((category.slug, category.name))
        here = category.parent_id
    return path[::-1]


def escaped_cell(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; :func:`rows.unescaped_cell` gives it back."""
    return f"'{cell}" if cell and cell[0] in "=+-@\t\r'" else cell


def tag_cell(tags: Sequence[str]) -> str:
    """Tags in one cell, those with a comma or a quote in quotes."""
    return ", ".join(
        '"' + tag.replace('"', '""') + '"' if "," in tag or '"' in tag else tag for tag in tags
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _flag(value: bool) -> str:  # noqa: FBT001 - the cell is the flag
    return "true" if value else "false"

"""From rows to a product as plain values, or to the list of what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from commercekit.catalog import rules
from commercekit.catalog.models import (
    MAX_OPTIONS,
    AttributeValue,
    NewAttribute,
    NewImage,
    Option,
    ProductStatus,
    Slug,
)
from commercekit.catalog.service.importing.report import RowFault
from commercekit.catalog.service.importing.rows import ProductRows, Row
from commercekit.kernel import Money

__all__ = ["ProductDraft", "VariantDraft", "draft_product", "labels_of"]

UNTAXED = "exempt"
"""The tax class of what the file calls not taxable: no rate is kept for it."""

COST = "Cost per item"
_CURRENCY = re.compile("[A-Z]{3}")
_DEFAULT = ("Title", "Default Title")
# Digits of other scripts would pass as such, and look like what they are not.
_AMOUNT = re.compile(r"^\d{1,12}(\.\d{1,6})?$", re.ASCII)
_COUNT = re.compile(r"^[+-]?\d{1,9}(\.0+)?$", re.ASCII)
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_TAX_CLASS = re.compile("[a-z0-9][a-z0-9-]{0,31}")
_TAG = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*(?=,|$)|([^,]+))(?:,|$)|,')
_YES = {"true", "yes", "y", "1"}
_NO = {"false", "no", "n", "0"}
_ADDRESS = re.compile(r"^(https?://[^\s/]+\S*|/[^\s/]\S*)$")
_VARIANT_COLUMNS = (
    "Option1 Value",
    "Option2 Value",
    "Option3 Value",
    "Variant SKU",
    "Variant Price",
)


@dataclass(slots=True)
class VariantDraft:
    """A variant as the file has it."""

    row: int
    sku: str
    values: tuple[str, ...]
    price: Money | None
    """``None``: it has none, and says so."""
    compare_at: Money | None
    quantity: int | None
    """``None``: not counted, always to be had."""
    allow_backorder: bool
    barcode: str
    weight_grams: int
    tax_class: str
    requires_shipping: bool
    image_url: str
    cost: Money | None
    """What it costs the shop; ``None``: the file does not say."""


@dataclass(slots=True)
class ProductDraft:
    """A product as the file has it; with ``errors`` it stays out, ``warnings`` tell what was left out."""

    row: int
    slug: str
    given: frozenset[str]
    """Columns with a value anywhere in the product; others leave an existing product as it is."""
    name: dict[str, str] = field(default_factory=dict)
    description: dict[str, str] = field(default_factory=dict)
    brand: dict[str, str] = field(default_factory=dict)
    category: dict[str, str] = field(default_factory=dict)
    type: str = ""
    tags: tuple[str, ...] = ()
    status: ProductStatus = ProductStatus.ACTIVE
    seo_title: dict[str, str] = field(default_factory=dict)
    seo_description: dict[str, str] = field(default_factory=dict)
    option_codes: tuple[str, ...] = ()
    option_names: dict[str, dict[str, str]] = field(default_factory=dict)
    value_labels: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    """(Option code, value code) to its texts, in the order of the file."""
    brand_slug: str = ""
    shelves: list[list[tuple[str, dict[str, str]]]] | None = None
    """Paths of categories from the top, as slugs and names; ``None`` when the file has only a type."""
    options: tuple[Option, ...] | None = None
    """All options with everything on them; ``None`` when the columns say it all."""
    attributes: list[tuple[NewAttribute, AttributeValue]] | None = None
    """Values with what defines them."""
    related: tuple[str, ...] = ()
    """Slugs, also of products that come later in the file."""
    publish_at: datetime | None = None
    unpublish_at: datetime | None = None
    images: list[NewImage] = field(default_factory=list)
    variants: list[VariantDraft] = field(default_factory=list)
    errors: list[RowFault] = field(default_factory=list)
    warnings: list[RowFault] = field(default_factory=list)


def draft_product(group: ProductRows, *, currency: str, language: str) -> ProductDraft:
    """Read one product; plain columns are in ``language``, prices in ``currency``.

    Every fault of every row is listed, not only the first. Cells are values, never formulas: a name
    that starts with ``=`` is that name.
    """
    first = group.first
    slug = _slug(group.handle)
    draft = ProductDraft(
        row=first.number,
        slug=slug,
        given=frozenset(column for row in group.rows for column in row.cells),
    )
    faults = draft.errors
    if not group.handle:
        faults.append(RowFault(first.number, "Handle", "missing-handle", "The row has no handle."))
    elif not slug:
        message = f"{group.handle[:100]!r} cannot be part of an address."
        faults.append(RowFault(first.number, "Handle", "invalid-handle", message))
    if group.repeated:
        message = "Rows of this handle came before; rows of one product must follow each other."
        faults.append(RowFault(first.number, "Handle", "handle-repeated", message))
    faults.extend(
        RowFault(row.number, "", "surplus-cells", "The row has more cells than the header.")
        for row in group.rows
        if row.surplus
    )
    _read_texts(draft, first, language)
    _read_options(draft, first, group, language)
    _read_images(draft, group, language)
    option_columns = _option_columns(first)
    for row in group.rows:
        if any(row.get(column) for column in _VARIANT_COLUMNS):
            _read_variant(draft, row, option_columns, currency)
    return draft


def _slug(handle: str) -> str:
    try:
        return str(msgspec.convert(handle, Slug))
    except msgspec.ValidationError:
        return rules.slugify(handle)


def _texts(row: Row, column: str, language: str) -> dict[str, str]:
    """The column in all languages of the file."""
    plain = row.get(column)
    if not row.translated:
        return {language: plain} if plain else {}
    found = {language: plain}
    start = f"{column} ["
    for name, text in row.cells.items():
        if name.startswith(start):
            found[name[len(start) : -1]] = text
    return {tag: text for tag, text in found.items() if text}


def _read_texts(draft: ProductDraft, first: Row, language: str) -> None:
    draft.name = _texts(first, "Title", language)
    draft.description = {
        tag: rules.clean_html(html) for tag, html in _texts(first, "Body (HTML)", language).items()
    }
    draft.brand = _texts(first, "Vendor", language)
    draft.category = _texts(first, "Type", language)
    draft.brand_slug = _slug(first.get("Vendor Handle")) if first.get("Vendor Handle") else ""
    draft.shelves = _decoded(draft, first, "Categories", list[list[tuple[Slug, dict[str, str]]]])
    if draft.shelves is not None:
        draft.category = {}
    kind = list[tuple[NewAttribute, AttributeValue]]
    draft.attributes = _decoded(draft, first, "Attributes", kind)
    draft.related = tuple(slug for part in first.get("Related").split() if (slug := _slug(part)))
    draft.publish_at = _moment(draft, first, "Publish At")
    draft.unpublish_at = _moment(draft, first, "Unpublish At")
    draft.type = first.get("Type")
    draft.tags = tuple(dict.fromkeys(_tags(first.get("Tags"))))
    draft.seo_title = _texts(first, "SEO Title", language)
    draft.seo_description = _texts(first, "SEO Description", language)
    for column, limit in (("Title", 500), ("Vendor", 200), ("Type", 200)):
        if len(first.get(column)) > limit:
            message = f"At most {limit} characters."
            draft.errors.append(RowFault(first.number, column, "too-long", message))
    draft.status = _status(draft, first)


def _status(draft: ProductDraft, first: Row) -> ProductStatus:
    said = first.get("Status").casefold()
    if said:
        try:
            return ProductStatus(said)
        except ValueError:
            message = "Status is active, draft or archived."
            draft.errors.append(RowFault(first.number, "Status", "invalid-choice", message))
    published = _flag(draft, first, "Published", fallback=True)
    return ProductStatus.ACTIVE if published else ProductStatus.DRAFT


def _tags(cell: str) -> Iterator[str]:
    """Tags between commas; one in quotes may hold commas itself."""
    for match in _TAG.finditer(cell):
        quoted, plain = match.groups()
        tag = (plain or "") if quoted is None else quoted.replace('""', '"')
        if tag.strip():
            yield tag.strip()


def _decoded(draft: ProductDraft, row: Row, column: str, kind: Any) -> Any:
    """A cell of ours that holds JSON; ``None`` without one."""
    text = row.get(column)
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, RecursionError):
        message = "It is not what an export writes here."
        draft.errors.append(RowFault(row.number, column, "not-readable", message))
        return None


def _moment(draft: ProductDraft, row: Row, column: str) -> datetime | None:
    text = row.get(column)
    if not text:
        return None
    try:
        return msgspec.convert(text, Moment)
    except msgspec.ValidationError:
        message = f"{text[:40]!r} is no moment; write it like 2026-12-01T08:00:00Z."
        draft.errors.append(RowFault(row.number, column, "not-a-moment", message))
        return None


def _option_columns(first: Row) -> list[int]:
    """Numbers of the options that the product has; none for Shopify's ``Title: Default Title``."""
    numbers = [n for n in range(1, MAX_OPTIONS + 1) if first.get(f"Option{n} Name")]
    if first.get("Options"):
        return numbers
    if numbers == [1] and (first.get("Option1 Name"), first.get("Option1 Value")) == _DEFAULT:
        return []
    return numbers


def _read_options(draft: ProductDraft, first: Row, group: ProductRows, language: str) -> None:
    numbers = _option_columns(first)
    draft.options = _decoded(draft, first, "Options", tuple[Option, ...])
    draft.option_codes = tuple(first.get(f"Option{n} Name") for n in numbers)
    if len(set(draft.option_codes)) != len(draft.option_codes):
        message = "Two options have the same name."
        draft.errors.append(RowFault(first.number, "Option2 Name", "duplicate-option", message))
    for n, code in zip(numbers, draft.option_codes, strict=True):
        draft.option_names[code] = _texts(first, f"Option{n} Name", language)
        for row in group.rows:
            value = row.get(f"Option{n} Value")
            if value:
                labels = draft.value_labels.setdefault((code, value), {})
                labels.update(_texts(row, f"Option{n} Value", language))


def _read_images(draft: ProductDraft, group: ProductRows, language: str) -> None:
    found: list[tuple[int, int, NewImage]] = []
    # All pictures of the product first: the same one on a variant adds nothing to them.
    for column in ("Image Src", "Variant Image"):
        for row in group.rows:
            url = row.get(column)
            if not url:
                continue
            if not _ADDRESS.match(url) or len(url) > 2000:
                message = "It is no address of a picture, so the picture is left out."
                draft.warnings.append(RowFault(row.number, column, "invalid-image", message))
                continue
            if any(image.url == url for _, _, image in found):
                continue
            place = row.get("Image Position") if column == "Image Src" else ""
            position = (
                int(place) if place.isascii() and place.isdigit() and len(place) < 6 else 10**6
            )
            alt = _texts(row, "Image Alt Text", language) if column == "Image Src" else {}
            found.append((position, row.number, NewImage(url=url, alt=alt)))
    draft.images = [image for _, _, image in sorted(found, key=lambda each: each[:2])]


def _read_variant(draft: ProductDraft, row: Row, option_columns: list[int], currency: str) -> None:
    values = tuple(row.get(f"Option{n} Value") for n in option_columns)
    for n, value in zip(option_columns, values, strict=True):
        if not value:
            message = "A variant has a value for each option."
            draft.errors.append(RowFault(row.number, f"Option{n} Value", "missing-value", message))
    if any(earlier.values == values for earlier in draft.variants):
        message = "Another row has the same option values."
        draft.errors.append(RowFault(row.number, "Option1 Value", "duplicate-combination", message))
    sku = rules.clean_text(row.get("Variant SKU").removeprefix("'"))
    if len(sku) > 100:
        draft.errors.append(
            RowFault(row.number, "Variant SKU", "too-long", "At most 100 characters.")
        )
    price = _money(draft, row, "Variant Price", currency)
    priced = _flag(draft, row, "Variant Priced", fallback=True)
    if price is None and not row.get("Variant Price") and priced:
        message = "A variant needs a price."
        draft.errors.append(RowFault(row.number, "Variant Price", "missing-price", message))
    compare_at = _money(draft, row, "Variant Compare At Price", currency)
    if price and compare_at and compare_at <= price:
        compare_at = None
    image_url = row.get("Variant Image")
    draft.variants.append(
        VariantDraft(
            row=row.number,
            sku=sku,
            values=values,
            price=price,
            compare_at=compare_at,
            quantity=_quantity(draft, row),
            allow_backorder=row.get("Variant Inventory Policy").casefold() == "continue",
            barcode=row.get("Variant Barcode").removeprefix("'")[:100],
            weight_grams=max(0, _count(draft, row, "Variant Grams") or 0),
            tax_class=_tax_class(draft, row),
            requires_shipping=_flag(draft, row, "Variant Requires Shipping", fallback=True),
            image_url=image_url if any(i.url == image_url for i in draft.images) else "",
            cost=_cost(draft, row, currency),
        )
    )


def _cost(draft: ProductDraft, row: Row, currency: str) -> Money | None:
    """In the file's currency, or in one that stands behind the amount: ``12.50 USD``."""
    text, _, named = row.get(COST).partition(" ")
    if named and not _CURRENCY.fullmatch(named):
        message = f"{named[:40]!r} is no currency, such as USD."
        draft.errors.append(RowFault(row.number, COST, "not-a-number", message))
        return None
    return _amount(draft, row.number, COST, text, named or currency)


def _tax_class(draft: ProductDraft, row: Row) -> str:
    taxable = _flag(draft, row, "Variant Taxable", fallback=True)
    named = row.get("Variant Tax Class")
    if named and not _TAX_CLASS.fullmatch(named):
        message = f"{named[:40]!r} is no tax class: lower-case letters, digits and hyphens."
        draft.errors.append(RowFault(row.number, "Variant Tax Class", "invalid-choice", message))
    return named or ("standard" if taxable else UNTAXED)


def _quantity(draft: ProductDraft, row: Row) -> int | None:
    """What is in stock; ``None`` when no tracker is named and no positive number is given."""
    quantity = _count(draft, row, "Variant Inventory Qty")
    if not row.get("Variant Inventory Tracker") and not (quantity and quantity > 0):
        return None
    if quantity is not None and quantity < 0:
        message = f"{quantity} in stock is read as 0."
        draft.warnings.append(
            RowFault(row.number, "Variant Inventory Qty", "negative-stock", message)
        )
    return max(0, quantity or 0)


def _money(draft: ProductDraft, row: Row, column: str, currency: str) -> Money | None:
    return _amount(draft, row.number, column, row.get(column), currency)


def _amount(
    draft: ProductDraft, number: int, column: str, text: str, currency: str
) -> Money | None:
    if not text:
        return None
    if not _AMOUNT.match(text):
        message = f"{text[:40]!r} is no amount; write it like 1299.00, without sign or separator."
        draft.errors.append(RowFault(number, column, "not-a-number", message))
        return None
    money = Money.parse(text, currency)
    if money.to_decimal() != Decimal(text):
        message = f"{text} has more decimals than {currency} has."
        draft.errors.append(RowFault(number, column, "too-precise", message))
        return None
    return money


def _count(draft: ProductDraft, row: Row, column: str) -> int | None:
    text = row.get(column)
    if not text:
        return None
    if not _COUNT.match(text):
        message = f"{text[:40]!r} is no whole number."
        draft.errors.append(RowFault(row.number, column, "not-a-number", message))
        return None
    return int(Decimal(text))


def _flag(draft: ProductDraft, row: Row, column: str, *, fallback: bool) -> bool:
    text = row.get(column).casefold()
    if not text:
        return fallback
    if text in _YES:
        return True
    if text in _NO:
        return False
    message = f"{text[:40]!r} is neither true nor false."
    draft.errors.append(RowFault(row.number, column, "not-a-flag", message))
    return fallback


def labels_of(draft: ProductDraft, code: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The values of one option with their texts, in the order of the file."""
    for (option, value), labels in draft.value_labels.items():
        if option == code:
            yield value, labels

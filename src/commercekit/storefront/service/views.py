"""Rows of the read models as what shoppers read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from commercekit.catalog import Attribute, AttributeKind, MediaSize, Option
from commercekit.kernel import Money, pick
from commercekit.platform.extensions import Audience, Fields, Values
from commercekit.promotions import RunningPromotion
from commercekit.storefront import repository
from commercekit.storefront.models import (
    AttributeView,
    BrandRef,
    ImageView,
    ListQuery,
    OptionView,
    PictureSize,
    ProductItem,
    PromotionNote,
    Sort,
    VariantView,
)

__all__ = [
    "PAGE",
    "TEXTS",
    "VARIANTS",
    "PageText",
    "VariantRow",
    "attribute_from",
    "image_from",
    "items_from",
    "note_of",
    "option_from",
    "shown_in",
    "sort_of",
    "text_in",
    "variant_from",
]

_NEW_FOR = timedelta(days=30)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


Value = bool | int | float | str | dict[str, str]
"""Of an attribute: a flag, a number, the code of a choice, or a text by language."""


class PageImage(msgspec.Struct):
    """A picture in ``storefront_product.page``."""

    url: str
    alt: dict[str, str]
    sizes: tuple[MediaSize, ...] = ()


class PageText(msgspec.Struct):
    """What ``storefront_product.page`` holds."""

    description: dict[str, str]
    type: str
    tags: list[str]
    category_ids: list[UUID]
    options: list[Option]
    images: list[PageImage]
    seo_title: dict[str, str]
    seo_description: dict[str, str]
    attributes: dict[str, Value] = {}
    related_ids: list[UUID] = []
    extensions: Values = {}
    of_variants: dict[str, Values] = {}
    """The same of variants, by SKU."""


class _Chosen(msgspec.Struct):
    name: dict[str, str]
    label: dict[str, str]


class VariantRow(msgspec.Struct, array_like=True):
    """A variant as the statement of a product page brings it."""

    id: UUID
    sku: str
    options: list[_Chosen]
    image_url: str | None
    price: int
    compare_at: int | None
    available: int
    lowest_30d: int | None


TEXTS = msgspec.json.Decoder(dict[str, str])
PAGE = msgspec.json.Decoder(PageText)
VARIANTS = msgspec.json.Decoder(list[VariantRow])


def sort_of(query: ListQuery, ranked: repository.Ranking | None) -> Sort:
    """The order asked for; by relevance there must be something to rank by."""
    wanted = query.sort or (Sort.RELEVANCE if ranked else Sort.NEWEST)
    return Sort.NEWEST if wanted is Sort.RELEVANCE and ranked is None else wanted


def text_in(texts: Mapping[str, str], language: str) -> str:
    """The text in a language of the market, or what stands in for it."""
    return texts.get(language) or pick(texts, (language,))


def note_of(running: RunningPromotion, language: str) -> PromotionNote:
    """What a shopper reads of a promotion that is on."""
    return PromotionNote(
        code=running.code,
        name=pick(running.name, (language,)),
        description=pick(running.description, (language,)),
        starts_at=running.starts_at,
        ends_at=running.ends_at,
    )


def items_from(
    rows: Iterable[Any], currency: str, language: str, now: datetime
) -> list[ProductItem]:
    """Products as a list shows them; what is new is told by the age of its id."""
    # Ids begin with the millisecond they were made in.
    new_from = ((now - _NEW_FOR - _EPOCH) // timedelta(milliseconds=1) + 1) << 80
    decode = TEXTS.decode
    items = []
    for row in rows:
        # The order of repository.ITEM; what follows there belongs to the page, not to the product.
        identifier, slug, name, brand_slug, brand_name, low, high, before, image, stock, few = row[
            :11
        ]
        badges = ["new"] if identifier.int >= new_from else []
        if before is not None:
            badges.append("sale")
        if not stock:
            badges.append("sold-out")
        elif few:
            badges.append("low-stock")
        items.append(
            ProductItem(
                id=identifier,
                slug=slug,
                name=text_in(decode(name), language),
                brand=None
                if brand_slug is None
                else BrandRef(brand_slug, text_in(decode(brand_name), language)),
                price=Money(low, currency),
                price_max=Money(high, currency),
                compare_at=None if before is None else Money(before, currency),
                image_url=image,
                in_stock=stock,
                badges=badges,
            )
        )
    return items


def _money(amount: int | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)


def variant_from(
    row: VariantRow,
    currency: str,
    language: str,
    fallback_image: str | None,
    extensions: Values | UnsetType = UNSET,
) -> VariantView:
    """A variant as its page shows it; without a picture of its own it has the product's."""
    return VariantView(
        id=row.id,
        sku=row.sku,
        options={
            text_in(each.name, language): text_in(each.label, language) for each in row.options
        },
        price=Money(row.price, currency),
        compare_at=_money(row.compare_at, currency),
        lowest_30d=_money(row.lowest_30d, currency),
        available=row.available,
        image_url=row.image_url or fallback_image,
        extensions=extensions,
    )


def shown_in(fields: Fields, values: Values | None) -> Values | UnsetType:
    """What shoppers read of what plugins keep; absent while none adds such fields."""
    return fields.shown(values or {}, Audience.STORE) if fields else UNSET


def image_from(image: PageImage, language: str, name: str) -> ImageView:
    """A picture in all its sizes; without words of its own it shows the product."""
    return ImageView(
        url=image.url,
        alt=text_in(image.alt, language) or name,
        srcset=", ".join(f"{size.webp} {size.width}w" for size in image.sizes),
        sizes=[
            PictureSize(width=size.width, height=size.height, webp=size.webp, jpeg=size.jpeg)
            for size in image.sizes
        ],
    )


def option_from(option: Option, language: str) -> OptionView:
    """One thing to choose; what has no words is called by its code."""
    return OptionView(
        text_in(option.name, language) or option.code,
        [text_in(value.label, language) or value.code for value in option.values],
    )


def attribute_from(attribute: Attribute, value: Value, language: str) -> AttributeView:
    """A value as its page shows it: choices and texts in the reader's language, numbers with unit."""
    label = ""
    if isinstance(value, dict):
        value = label = text_in(value, language)
    elif attribute.kind is AttributeKind.CHOICE:
        chosen = next((each for each in attribute.choices if each.code == value), None)
        label = (text_in(chosen.label, language) if chosen else "") or str(value)
    elif not isinstance(value, bool):
        label = f"{value} {attribute.unit}".strip()
    return AttributeView(
        code=attribute.code,
        name=text_in(attribute.name, language) or attribute.code,
        kind=attribute.kind,
        unit=attribute.unit,
        value=value,
        label=label,
    )

"""Rows of the read models as what shoppers read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from commercekit.catalog import Category, CategoryNotFound, Option
from commercekit.kernel import Money, pick, time_of
from commercekit.promotions import RunningPromotion
from commercekit.storefront import repository
from commercekit.storefront.models import (
    BrandRef,
    ListQuery,
    ProductItem,
    PromotionNote,
    Sort,
    VariantView,
)

__all__ = [
    "PAGE",
    "TEXTS",
    "PageText",
    "item_from",
    "note_of",
    "sort_of",
    "variant_from",
    "with_all_below",
]

_NEW_FOR = timedelta(days=30)


class PageText(msgspec.Struct):
    """What ``storefront_product.page`` holds."""

    description: dict[str, str]
    type: str
    tags: list[str]
    category_ids: list[UUID]
    options: list[Option]
    images: list[dict[str, Any]]
    seo_title: dict[str, str]
    seo_description: dict[str, str]


class _Chosen(msgspec.Struct):
    name: dict[str, str]
    label: dict[str, str]


TEXTS = msgspec.json.Decoder(dict[str, str])
PAGE = msgspec.json.Decoder(PageText)
_chosen = msgspec.json.Decoder(list[_Chosen])


def sort_of(query: ListQuery, ranked: repository.Ranking | None) -> Sort:
    """The order asked for; by relevance there must be something to rank by."""
    wanted = query.sort or (Sort.RELEVANCE if ranked else Sort.NEWEST)
    return Sort.NEWEST if wanted is Sort.RELEVANCE and ranked is None else wanted


def note_of(running: RunningPromotion, language: str) -> PromotionNote:
    """What a shopper reads of a promotion that is on."""
    return PromotionNote(
        code=running.code,
        name=pick(running.name, (language,)),
        description=pick(running.description, (language,)),
        starts_at=running.starts_at,
        ends_at=running.ends_at,
    )


def with_all_below(tree: Sequence[Category], slug: str) -> list[UUID]:
    """Ids of a category and of all below it."""
    root = next((category for category in tree if category.slug == slug), None)
    if root is None:
        message = f"There is no category {slug!r}."
        raise CategoryNotFound(message, category=slug)
    found = [root.id]
    for parent_id in found:
        found.extend(category.id for category in tree if category.parent_id == parent_id)
    return found


def _money(amount: int | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)


def item_from(row: Any, currency: str, language: str, now: datetime) -> ProductItem:
    """A product as a list shows it; what is new is told by the age of its id."""
    brand = None
    if row["brand_slug"] is not None:
        brand = BrandRef(row["brand_slug"], pick(TEXTS.decode(row["brand_name"]), (language,)))
    badges = []
    if now - time_of(row["product_id"]) < _NEW_FOR:
        badges.append("new")
    if row["compare_at"] is not None:
        badges.append("sale")
    if not row["in_stock"]:
        badges.append("sold-out")
    elif row["low_stock"]:
        badges.append("low-stock")
    return ProductItem(
        id=row["product_id"],
        slug=row["slug"],
        name=pick(TEXTS.decode(row["name"]), (language,)),
        brand=brand,
        price=Money(row["price_min"], currency),
        price_max=Money(row["price_max"], currency),
        compare_at=_money(row["compare_at"], currency),
        image_url=row["image_url"],
        in_stock=row["in_stock"],
        badges=badges,
    )


def variant_from(row: Any, currency: str, language: str, fallback_image: str | None) -> VariantView:
    """A variant as its page shows it; without a picture of its own it has the product's."""
    return VariantView(
        id=row["variant_id"],
        sku=row["sku"],
        options={
            pick(each.name, (language,)): pick(each.label, (language,))
            for each in _chosen.decode(row["options"])
        },
        price=Money(row["price"], currency),
        compare_at=_money(row["compare_at"], currency),
        available=row["available"],
        image_url=row["image_url"] or fallback_image,
    )

"""The rows that show a product and its variants, made from what the domains below say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from commercekit.catalog import Category, Option, Product, ProductDocument, ProductStatus, Variant
from commercekit.inventory import Availability
from commercekit.pricing import Price
from commercekit.storefront.rules.searching import vector
from commercekit.storefront.rules.words import plain

__all__ = ["SEARCH_VERSION", "Words", "lowest_of", "product_row", "variant_row"]

SEARCH_VERSION: Final = 3
"""Raised when rows are made in another way: a job writes those below it anew."""


class Words(NamedTuple):
    """What a product is found by."""

    vector: str
    """As PostgreSQL writes a ``tsvector``."""
    terms: list[str]


def product_row(
    document: ProductDocument, shelves: Mapping[UUID, Category]
) -> tuple[dict[str, Any], Words]:
    """The row of a product in any market, as ``put_products`` takes it, and the words in it."""
    product, brand = document.product, document.brand
    images = product.images
    return {
        "product_id": product.id,
        "slug": product.slug,
        "is_published": product.status is ProductStatus.ACTIVE,
        "name": product.name,
        "brand_id": brand.id if brand else None,
        "brand_slug": brand.slug if brand else None,
        "brand_name": brand.name if brand else None,
        "category_ids": list(document.category_ids),
        "image_url": images[0].url if images else None,
        "page": {
            "description": product.description,
            "type": product.type,
            "tags": product.tags,
            "category_ids": product.category_ids,
            "options": product.options,
            "images": [
                {"url": image.url, "alt": image.alt, "sizes": image.sizes} for image in images
            ],
            "attributes": product.attributes,
            "related_ids": product.related_ids,
            "seo_title": product.seo_title,
            "seo_description": product.seo_description,
            **_extensions(product),
        },
    }, Words(*vector(_searched(document, shelves)))


def _extensions(product: Product) -> dict[str, Any]:
    """What plugins keep, whoever may see it.

    Which of it shoppers read is decided when they do, so that a plugin which comes, goes or changes its
    mind needs no row to be written anew.
    """
    variants = {each.sku: each.extensions for each in product.variants if each.extensions}
    return {
        name: values
        for name, values in (("extensions", product.extensions), ("of_variants", variants))
        if values
    }


def _searched(
    document: ProductDocument, shelves: Mapping[UUID, Category]
) -> Iterator[tuple[str, str]]:
    """What search reads, and how much each counts: names most, descriptions least."""
    product, brand = document.product, document.brand
    yield from (("A", name) for name in product.name.values())
    yield from (("C", variant.sku) for variant in product.variants)
    yield from (("C", variant.barcode) for variant in product.variants)
    yield from (("B", name) for name in (brand.name.values() if brand else ()))
    yield "B", product.type
    yield from (("B", tag) for tag in product.tags)
    for category_id in document.category_ids:
        if category_id in shelves:
            yield from (("B", name) for name in shelves[category_id].name.values())
    for option in product.options:
        for value in option.values:
            yield from (("D", label) for label in value.label.values())
    yield from (("D", plain(text)) for text in product.description.values())


def variant_row(
    document: ProductDocument, variant: Variant, price: Price | None, stock: Availability | None
) -> dict[str, Any]:
    """The row of a variant, as ``put_variants`` takes it."""
    urls = {image.id: image.url for image in document.product.images}
    return {
        "variant_id": variant.id,
        "product_id": document.product.id,
        "sku": variant.sku,
        "position": variant.position,
        "options": [_chosen(option, variant) for option in document.product.options],
        "image_url": urls.get(variant.image_id) if variant.image_id else None,
        "price": price.amount.amount if price else None,
        "compare_at": price.compare_at.amount if price and price.compare_at is not None else None,
        "lowest_30d": lowest_of(price),
        "available": stock.shown if stock else 0,
    }


def lowest_of(price: Price | None) -> int | None:
    """Only what is said to be reduced says what it was before."""
    if price is None or price.compare_at is None or price.lowest_30d is None:
        return None
    return price.lowest_30d.amount


def _chosen(option: Option, variant: Variant) -> dict[str, Any]:
    code = variant.options.get(option.code, "")
    label = next((value.label for value in option.values if value.code == code), {"en": code})
    return {"name": option.name, "label": label}

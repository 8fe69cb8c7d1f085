"""Many new products at once, each table in one statement; and what they stand on."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec

from commercekit.catalog.models import Product
from commercekit.catalog.repository.history import difference
from commercekit.kernel import new_id
from commercekit.platform.db import UnitOfWork

__all__ = ["add_products", "brand_ids", "category_ids", "lock_by_slugs"]

_PRODUCTS = """
    INSERT INTO catalog_product (id, slug, status, name, description, brand_id, type, tags,
        seo_title, seo_description, options, version, created_at, updated_at, attributes,
        related_ids, publish_at, unpublish_at)
    SELECT id, slug, status, name, description, brand_id, type, tags, seo_title, seo_description,
           options, 1, $2, $2, attributes, related_ids, publish_at, unpublish_at
    FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, slug text, status text, name jsonb,
        description jsonb, brand_id uuid, type text, tags text[], seo_title jsonb,
        seo_description jsonb, options jsonb, attributes jsonb, related_ids uuid[],
        publish_at timestamptz, unpublish_at timestamptz)
    ON CONFLICT (slug) DO NOTHING RETURNING slug
"""
_IMAGES = """
    INSERT INTO catalog_image (id, product_id, url, alt, position, status, created_at, updated_at,
        media_id)
    SELECT id, product_id, url, alt::jsonb, position, status, $7, $7, media_id
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[], $8::uuid[])
        AS i (id, product_id, url, alt, position, status, media_id)
"""
_SHELVES = """
    INSERT INTO catalog_product_category (id, product_id, category_id)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[])
"""
_VARIANTS = """
    INSERT INTO catalog_variant (id, product_id, sku, option_values, barcode, weight_grams,
        tax_class, requires_shipping, position, image_id, version, created_at, updated_at)
    SELECT id, product_id, sku, option_values, barcode, weight_grams, tax_class, requires_shipping,
           position, image_id, 1, $2, $2
    FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, product_id uuid, sku text,
        option_values text[], barcode text, weight_grams int, tax_class text,
        requires_shipping boolean, position int, image_id uuid)
    ON CONFLICT (sku) DO NOTHING RETURNING sku
"""
_HISTORY = """
    INSERT INTO catalog_change (id, product_id, at, actor, action, diff)
    SELECT id, product_id, $4, $5, 'created', diff::jsonb
    FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS c (id, product_id, diff)
"""


async def lock_by_slugs(uow: UnitOfWork, slugs: Sequence[str]) -> list[UUID]:
    """Hold the products at these addresses until the end; gives their ids."""
    rows = await uow.fetch(
        "SELECT id FROM catalog_product WHERE slug = ANY ($1) ORDER BY id FOR UPDATE", list(slugs)
    )
    return [row["id"] for row in rows]


async def brand_ids(uow: UnitOfWork, slugs: Iterable[str]) -> dict[str, UUID]:
    """The brands at these addresses, which nobody removes until the end."""
    rows = await uow.fetch(
        "SELECT slug, id FROM catalog_brand WHERE slug = ANY ($1) ORDER BY id FOR KEY SHARE",
        list(slugs),
    )
    return {row["slug"]: row["id"] for row in rows}


async def category_ids(uow: UnitOfWork, slugs: Iterable[str]) -> dict[str, UUID]:
    """The categories at these addresses, which nobody removes until the end."""
    rows = await uow.fetch(
        "SELECT slug, id FROM catalog_category WHERE slug = ANY ($1) ORDER BY id FOR KEY SHARE",
        list(slugs),
    )
    return {row["slug"]: row["id"] for row in rows}


async def add_products(
    uow: UnitOfWork, products: Sequence[Product], actor: str
) -> tuple[set[str], set[str]]:
    """Write all of them with everything on them, and that they were created.

    Gives slugs and SKUs that somebody else had: with any, nothing of this may be committed.
    """
    now = uow.clock.now()
    rows = await uow.fetch(_PRODUCTS, _encode([_product(each) for each in products]), now)
    slugs = {each.slug for each in products} - {row["slug"] for row in rows}
    if slugs:
        return slugs, set()
    images = list(zip(*_images(products), strict=True))
    if images:
        await uow.execute(_IMAGES, *images[:6], now, images[6])
    shelves = [(new_id(), each.id, shelf) for each in products for shelf in each.category_ids]
    if shelves:
        await uow.execute(_SHELVES, *zip(*shelves, strict=True))
    variants = [_variant(each, variant) for each in products for variant in each.variants]
    rows = await uow.fetch(_VARIANTS, _encode(variants), now)
    skus = {variant["sku"] for variant in variants} - {row["sku"] for row in rows}
    await uow.execute(
        _HISTORY,
        [new_id() for _ in products],
        [each.id for each in products],
        [_encode(difference(None, each)) for each in products],
        now,
        actor,
    )
    return set(), skus


def _encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _product(product: Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "slug": product.slug,
        "status": product.status,
        "name": product.name,
        "description": product.description,
        "brand_id": product.brand_id,
        "type": product.type,
        "tags": product.tags,
        "seo_title": product.seo_title,
        "seo_description": product.seo_description,
        "options": product.options,
        "attributes": product.attributes,
        "related_ids": product.related_ids,
        "publish_at": product.publish_at,
        "unpublish_at": product.unpublish_at,
    }


def _images(products: Sequence[Product]) -> Iterator[tuple[Any, ...]]:
    for product in products:
        for image in product.images:
            yield (
                image.id,
                product.id,
                image.url,
                _encode(image.alt),
                image.position,
                image.status.value,
                image.media_id,
            )


def _variant(product: Product, variant: Any) -> dict[str, Any]:
    return {
        "id": variant.id,
        "product_id": product.id,
        "sku": variant.sku,
        "option_values": tuple(variant.options.values()),
        "barcode": variant.barcode,
        "weight_grams": variant.weight_grams,
        "tax_class": variant.tax_class,
        "requires_shipping": variant.requires_shipping,
        "position": variant.position,
        "image_id": variant.image_id,
    }

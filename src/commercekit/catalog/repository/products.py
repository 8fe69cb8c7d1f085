"""Products whole: read in one statement, written in as few."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from commercekit.catalog.models import (
    AttributeValue,
    Image,
    Option,
    Product,
    ProductFilter,
    ProductStatus,
    Variant,
)
from commercekit.kernel import new_id
from commercekit.platform.db import Database, UnitOfWork
from commercekit.platform.extensions import Values, read_values, write_values

__all__ = [
    "add_images",
    "add_product",
    "add_variant",
    "by_ids",
    "by_slug",
    "count",
    "delete_product",
    "delete_variant",
    "list_ids",
    "lock_product",
    "move_image",
    "put_categories",
    "remove_images",
    "write_product",
    "write_variant",
]


class _VariantJson(Struct):
    id: UUID
    sku: str
    option_values: tuple[str, ...]
    barcode: str
    weight_grams: int
    tax_class: str
    requires_shipping: bool
    position: int
    image_id: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime
    extensions: Values | None


_texts = msgspec.json.Decoder(dict[str, str])
_options = msgspec.json.Decoder(tuple[Option, ...])
_attributes = msgspec.json.Decoder(dict[str, AttributeValue])
_images = msgspec.json.Decoder(tuple[Image, ...])
_variants = msgspec.json.Decoder(tuple[_VariantJson, ...])

_PRODUCT = """
    SELECT p.id, p.slug, p.status, p.name, p.description, p.brand_id, p.type, p.tags,
           p.seo_title, p.seo_description, p.options, p.version, p.created_at, p.updated_at,
           p.attributes, p.related_ids, p.publish_at, p.unpublish_at, p.extensions,
           (SELECT coalesce(array_agg(pc.category_id ORDER BY pc.category_id), '{}')
            FROM catalog_product_category pc WHERE pc.product_id = p.id) AS category_ids,
           (SELECT coalesce(json_agg(json_build_object(
                       'id', i.id, 'url', i.url, 'alt', i.alt, 'position', i.position,
                       'status', i.status, 'media_id', i.media_id,
                       'sizes', coalesce(m.sizes, '[]'))
                       ORDER BY i.position, i.id)::text, '[]')
            FROM catalog_image i LEFT JOIN catalog_media m ON m.id = i.media_id
            WHERE i.product_id = p.id) AS images,
           (SELECT coalesce(json_agg(json_build_object(
                       'id', v.id, 'sku', v.sku, 'option_values', v.option_values,
                       'barcode', v.barcode, 'weight_grams', v.weight_grams,
                       'tax_class', v.tax_class, 'requires_shipping', v.requires_shipping,
                       'position', v.position, 'image_id', v.image_id, 'version', v.version,
                       'created_at', v.created_at, 'updated_at', v.updated_at,
                       'extensions', v.extensions)
                       ORDER BY v.position, v.id)::text, '[]')
            FROM catalog_variant v WHERE v.product_id = p.id) AS variants
    FROM catalog_product p
"""


def _encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _product(row: Any) -> Product:
    options = _options.decode(row["options"])
    codes = [option.code for option in options]
    return Product(
        id=row["id"],
        slug=row["slug"],
        status=ProductStatus(row["status"]),
        name=_texts.decode(row["name"]),
        description=_texts.decode(row["description"]),
        brand_id=row["brand_id"],
        type=row["type"],
        tags=tuple(row["tags"]),
        category_ids=tuple(row["category_ids"]),
        seo_title=_texts.decode(row["seo_title"]),
        seo_description=_texts.decode(row["seo_description"]),
        options=options,
        images=_images.decode(row["images"]),
        variants=tuple(
            Variant(
                id=v.id,
                product_id=row["id"],
                sku=v.sku,
                options=dict(zip(codes, v.option_values, strict=False)),
                barcode=v.barcode,
                weight_grams=v.weight_grams,
                tax_class=v.tax_class,
                requires_shipping=v.requires_shipping,
                position=v.position,
                image_id=v.image_id,
                version=v.version,
                created_at=v.created_at,
                updated_at=v.updated_at,
                extensions=v.extensions or {},
            )
            for v in _variants.decode(row["variants"])
        ),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        attributes=_attributes.decode(row["attributes"]),
        related_ids=tuple(row["related_ids"]),
        publish_at=row["publish_at"],
        unpublish_at=row["unpublish_at"],
        extensions=read_values(row["extensions"]),
    )


async def by_ids(db: Database, ids: Sequence[UUID]) -> dict[UUID, Product]:
    """The products that exist among ``ids``."""
    rows = await db.fetch(f"{_PRODUCT} WHERE p.id = ANY ($1)", list(ids))
    return {row["id"]: _product(row) for row in rows}


async def by_slug(db: Database, slug: str) -> Product | None:
    """The product at that address."""
    row = await db.fetchrow(f"{_PRODUCT} WHERE p.slug = $1", slug)
    return _product(row) if row else None


async def list_ids(
    db: Database, where: ProductFilter, *, after: UUID | None, limit: int
) -> list[UUID]:
    """Ids of the products staff want, newest first, after the one named."""
    pattern = ""
    if where.q:
        escaped = where.q.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        pattern = f"%{escaped}%"
    fields = "".join(
        f" AND {field.written('p', 7 + number)}" for number, field in enumerate(where.extensions)
    )
    rows = await db.fetch(
        f"""
        SELECT p.id FROM catalog_product p
        WHERE ($1::text IS NULL OR p.status = $1)
          AND ($2::uuid IS NULL OR p.brand_id = $2)
          AND ($3::uuid IS NULL OR EXISTS (
                SELECT FROM catalog_product_category pc
                WHERE pc.product_id = p.id AND pc.category_id = $3))
          AND ($4 = '' OR p.slug ILIKE $4
               OR EXISTS (SELECT FROM jsonb_each_text(p.name) t WHERE t.value ILIKE $4)
               OR EXISTS (SELECT FROM catalog_variant v
                          WHERE v.product_id = p.id AND v.sku ILIKE $4))
          AND ($5::uuid IS NULL OR p.id < $5){fields}
        ORDER BY p.id DESC LIMIT $6
        """,
        where.status.value if where.status else None,
        where.brand_id,
        where.category_id,
        pattern,
        after,
        limit,
        *(field.value for field in where.extensions),
    )
    return [row["id"] for row in rows]


async def count(db: Database, where: ProductFilter) -> int:
    """How many products staff mean."""
    return len(await list_ids(db, where, after=None, limit=10_000_000))


async def lock_product(uow: UnitOfWork, product_id: UUID) -> bool:
    """Hold the product until the transaction ends, so that changes of one product come one by one."""
    return bool(
        await uow.fetchval("SELECT true FROM catalog_product WHERE id = $1 FOR UPDATE", product_id)
    )


async def add_product(uow: UnitOfWork, product: Product) -> bool:
    """Write the product's own row; ``False`` when its slug is taken."""
    added = await uow.fetchval(
        """
        INSERT INTO catalog_product (id, slug, status, name, description, brand_id, type, tags,
            seo_title, seo_description, options, version, created_at, updated_at, attributes,
            related_ids, publish_at, unpublish_at, extensions)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12, $13, $14, $15, $16, $17)
        ON CONFLICT (slug) DO NOTHING RETURNING true
        """,
        product.id,
        product.slug,
        product.status.value,
        _encode(product.name),
        _encode(product.description),
        product.brand_id,
        product.type,
        list(product.tags),
        _encode(product.seo_title),
        _encode(product.seo_description),
        _encode(product.options),
        product.created_at,
        _encode(product.attributes),
        list(product.related_ids),
        product.publish_at,
        product.unpublish_at,
        write_values(product.extensions),
    )
    return bool(added)


async def write_product(uow: UnitOfWork, product: Product) -> None:
    """Write every column of a product that is locked; its version goes up by one."""
    await uow.execute(
        """
        UPDATE catalog_product SET slug = $2, status = $3, name = $4, description = $5,
            brand_id = $6, type = $7, tags = $8, seo_title = $9, seo_description = $10,
            options = $11, version = version + 1, updated_at = $12, attributes = $13,
            related_ids = $14, publish_at = $15, unpublish_at = $16, extensions = $17
        WHERE id = $1
        """,
        product.id,
        product.slug,
        product.status.value,
        _encode(product.name),
        _encode(product.description),
        product.brand_id,
        product.type,
        list(product.tags),
        _encode(product.seo_title),
        _encode(product.seo_description),
        _encode(product.options),
        product.updated_at,
        _encode(product.attributes),
        list(product.related_ids),
        product.publish_at,
        product.unpublish_at,
        write_values(product.extensions),
    )


async def delete_product(uow: UnitOfWork, product_id: UUID) -> None:
    """Remove it with variants, pictures and places on shelves, and where it is named as related."""
    await uow.execute(
        "UPDATE catalog_product SET related_ids = array_remove(related_ids, $1)"
        " WHERE $1 = ANY (related_ids)",
        product_id,
    )
    await uow.execute("DELETE FROM catalog_product WHERE id = $1", product_id)


async def put_categories(uow: UnitOfWork, product_id: UUID, category_ids: Sequence[UUID]) -> None:
    """Make these the product's categories, in this order."""
    await uow.execute("DELETE FROM catalog_product_category WHERE product_id = $1", product_id)
    await uow.executemany(
        "INSERT INTO catalog_product_category (id, product_id, category_id) VALUES ($1, $2, $3)",
        [(new_id(), product_id, category_id) for category_id in category_ids],
    )


async def add_images(
    uow: UnitOfWork, product_id: UUID, images: Sequence[Image], now: datetime
) -> None:
    """Write pictures that the product does not have yet."""
    await uow.executemany(
        "INSERT INTO catalog_image (id, product_id, url, alt, position, status, created_at,"
        " updated_at, media_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
        [
            (
                image.id,
                product_id,
                image.url,
                _encode(image.alt),
                image.position,
                image.status,
                now,
                image.media_id,
            )
            for image in images
        ],
    )


async def move_image(uow: UnitOfWork, image: Image, now: datetime) -> None:
    """Write place and alternative text of a picture."""
    await uow.execute(
        "UPDATE catalog_image SET alt = $2, position = $3, version = version + 1, updated_at = $4"
        " WHERE id = $1",
        image.id,
        _encode(image.alt),
        image.position,
        now,
    )


async def remove_images(uow: UnitOfWork, ids: Sequence[UUID]) -> None:
    """Forget pictures; variants that showed one show the product's."""
    await uow.execute("DELETE FROM catalog_image WHERE id = ANY ($1)", list(ids))


async def add_variant(uow: UnitOfWork, variant: Variant) -> bool:
    """Write a variant; ``False`` when its SKU is taken."""
    added = await uow.fetchval(
        """
        INSERT INTO catalog_variant (id, product_id, sku, option_values, barcode, weight_grams,
            tax_class, requires_shipping, position, image_id, version, created_at, updated_at,
            extensions)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11, $12)
        ON CONFLICT (sku) DO NOTHING RETURNING true
        """,
        variant.id,
        variant.product_id,
        variant.sku,
        list(variant.options.values()),
        variant.barcode,
        variant.weight_grams,
        variant.tax_class,
        variant.requires_shipping,
        variant.position,
        variant.image_id,
        variant.created_at,
        write_values(variant.extensions),
    )
    return bool(added)


async def write_variant(uow: UnitOfWork, variant: Variant) -> None:
    """Write every column but the SKU of a variant whose product is locked."""
    await uow.execute(
        """
        UPDATE catalog_variant SET option_values = $2, barcode = $3, weight_grams = $4,
            tax_class = $5, requires_shipping = $6, position = $7, image_id = $8,
            version = version + 1, updated_at = $9, extensions = $10
        WHERE id = $1
        """,
        variant.id,
        list(variant.options.values()),
        variant.barcode,
        variant.weight_grams,
        variant.tax_class,
        variant.requires_shipping,
        variant.position,
        variant.image_id,
        variant.updated_at,
        write_values(variant.extensions),
    )


async def delete_variant(uow: UnitOfWork, variant_id: UUID) -> None:
    """Remove one variant."""
    await uow.execute("DELETE FROM catalog_variant WHERE id = $1", variant_id)

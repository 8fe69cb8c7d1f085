"""What other domains ask: many variants or products at once, in one statement each."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from commercekit.catalog.models import ImageStatus, Option, ProductStatus, SellableVariant
from commercekit.kernel import new_id
from commercekit.platform.db import Database, UnitOfWork
from commercekit.platform.extensions import FieldCondition

__all__ = [
    "ancestry",
    "extended_by_slug",
    "image_checked",
    "keep_import",
    "kept_import",
    "languages",
    "product_ids",
    "product_ids_by_slug",
    "product_ids_of_brand",
    "product_ids_of_categories",
    "product_ids_of_skus",
    "product_ids_of_slugs",
    "prune_imports",
    "sellable_by_sku",
    "skus_for_sale",
    "skus_taken",
    "slugs_of",
    "unchecked_images",
    "variant_ids",
    "variant_product",
    "variants_page",
]

_texts = msgspec.json.Decoder(dict[str, str])
_options = msgspec.json.Decoder(tuple[Option, ...])

_SELLABLE = """
    SELECT v.id, v.product_id, v.sku, p.slug, p.status, p.name, p.options, v.option_values,
           v.tax_class, v.weight_grams, v.requires_shipping, p.brand_id, p.tags, p.type,
           coalesce(own.url, (SELECT i.url FROM catalog_image i WHERE i.product_id = p.id
                              ORDER BY i.position, i.id LIMIT 1)) AS image_url,
           (SELECT coalesce(array_agg(DISTINCT a.ancestor_id), '{}')
            FROM catalog_category_ancestry(ARRAY(
                SELECT pc.category_id FROM catalog_product_category pc
                WHERE pc.product_id = p.id)) a) AS category_ids
    FROM catalog_variant v
    JOIN catalog_product p ON p.id = v.product_id
    LEFT JOIN catalog_image own ON own.id = v.image_id
    WHERE v.sku = ANY ($1)
"""


async def sellable_by_sku(db: Database, skus: Sequence[str]) -> dict[str, SellableVariant]:
    """What carts need of the variants that exist among ``skus``, whatever their product's status."""
    found = {}
    for row in await db.fetch(_SELLABLE, list(skus)):
        pairs = []
        for option, code in zip(
            _options.decode(row["options"]), row["option_values"], strict=False
        ):
            label = next((v.label for v in option.values if v.code == code), {"en": code})
            pairs.append((option.name, label))
        found[row["sku"]] = SellableVariant(
            variant_id=row["id"],
            product_id=row["product_id"],
            sku=row["sku"],
            slug=row["slug"],
            status=ProductStatus(row["status"]),
            name=_texts.decode(row["name"]),
            options=tuple(pairs),
            tax_class=row["tax_class"],
            weight_grams=row["weight_grams"],
            requires_shipping=row["requires_shipping"],
            image_url=row["image_url"],
            brand_id=row["brand_id"],
            category_ids=tuple(row["category_ids"]),
            tags=tuple(row["tags"]),
            type=row["type"],
        )
    return found


async def ancestry(db: Database, category_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Each category with itself and all above it."""
    result: dict[UUID, list[UUID]] = {}
    rows = await db.fetch(
        "SELECT category_id, ancestor_id FROM catalog_category_ancestry($1)", list(category_ids)
    )
    for row in rows:
        result.setdefault(row["category_id"], []).append(row["ancestor_id"])
    return result


async def product_ids(db: Database, *, after: UUID | None, limit: int) -> list[UUID]:
    """Ids of all products, oldest first, after the one named."""
    rows = await db.fetch(
        "SELECT id FROM catalog_product WHERE ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2",
        after,
        limit,
    )
    return [row["id"] for row in rows]


async def extended_by_slug(db: Database, after: str, limit: int) -> dict[str, UUID]:
    """Slug and id of products beside which, or beside whose variants, a plugin keeps something."""
    rows = await db.fetch(
        """
        SELECT p.slug, p.id FROM catalog_product p
        WHERE p.slug COLLATE "C" > $1 COLLATE "C" AND (p.extensions IS NOT NULL OR EXISTS (
            SELECT FROM catalog_variant v WHERE v.product_id = p.id AND v.extensions IS NOT NULL))
        ORDER BY p.slug COLLATE "C" LIMIT $2
        """,
        after,
        limit,
    )
    return {row["slug"]: row["id"] for row in rows}


async def product_ids_by_slug(db: Database, after: str, limit: int) -> dict[str, UUID]:
    """Slug to id in the order of slugs, after the one named."""
    rows = await db.fetch(
        'SELECT slug, id FROM catalog_product WHERE slug COLLATE "C" > $1 COLLATE "C"'
        ' ORDER BY slug COLLATE "C" LIMIT $2',
        after,
        limit,
    )
    return {row["slug"]: row["id"] for row in rows}


async def languages(db: Database) -> list[str]:
    """Every language that a text of a product, a picture or a brand is in."""
    rows = await db.fetch(
        """
        SELECT DISTINCT l.language
        FROM catalog_product p,
             LATERAL (
                 SELECT jsonb_object_keys(
                     p.name || p.description || p.seo_title || p.seo_description) AS language
                 UNION ALL
                 SELECT jsonb_object_keys(o -> 'name') FROM jsonb_array_elements(p.options) o
                 UNION ALL
                 SELECT jsonb_object_keys(v -> 'label')
                 FROM jsonb_array_elements(p.options) o, jsonb_array_elements(o -> 'values') v
             ) l
        UNION SELECT jsonb_object_keys(alt) FROM catalog_image
        UNION SELECT jsonb_object_keys(name) FROM catalog_brand
        """
    )
    return [row["language"] for row in rows]


async def product_ids_of_slugs(db: Database, slugs: Sequence[str]) -> dict[str, UUID]:
    """The products that exist at these addresses."""
    rows = await db.fetch("SELECT slug, id FROM catalog_product WHERE slug = ANY ($1)", list(slugs))
    return {row["slug"]: row["id"] for row in rows}


async def slugs_of(db: Database, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Where these products are."""
    rows = await db.fetch("SELECT slug, id FROM catalog_product WHERE id = ANY ($1)", list(ids))
    return {row["id"]: row["slug"] for row in rows}


async def keep_import(uow: UnitOfWork, digest: str, report: str, faults: str | None) -> None:
    """Remember how far the import of a file has come; no ``faults`` leave those that are there."""
    await uow.execute(
        "INSERT INTO catalog_import_run (id, digest, report, faults, updated_at)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (digest) DO UPDATE SET report = $3,"
        " faults = coalesce($4, catalog_import_run.faults), updated_at = $5",
        new_id(),
        digest,
        report,
        faults,
        uow.clock.now(),
    )


async def kept_import(db: Database, digest: str) -> tuple[str, str | None] | None:
    """How far it came and the faults until there, as they were kept."""
    row = await db.fetchrow(
        "SELECT report, faults FROM catalog_import_run WHERE digest = $1", digest
    )
    return None if row is None else (row["report"], row["faults"])


async def prune_imports(db: Database, before: datetime) -> int:
    """Forget places of imports that nobody went on with since then; gives how many."""
    tag = await db.execute("DELETE FROM catalog_import_run WHERE updated_at < $1", before)
    return int(tag.rpartition(" ")[2])


async def product_ids_of_brand(db: Database, brand_id: UUID) -> list[UUID]:
    """Products of one brand."""
    rows = await db.fetch("SELECT id FROM catalog_product WHERE brand_id = $1", brand_id)
    return [row["id"] for row in rows]


async def product_ids_of_categories(db: Database, category_id: UUID) -> list[UUID]:
    """Products on a category or on one below it."""
    rows = await db.fetch(
        """
        WITH RECURSIVE down AS (
            SELECT id FROM catalog_category WHERE id = $1
            UNION
            SELECT c.id FROM down JOIN catalog_category c ON c.parent_id = down.id
        )
        SELECT DISTINCT pc.product_id
        FROM down JOIN catalog_product_category pc ON pc.category_id = down.id
        """,
        category_id,
    )
    return [row["product_id"] for row in rows]


async def product_ids_of_skus(db: Database, skus: Sequence[str]) -> dict[str, UUID]:
    """Which product each SKU belongs to."""
    rows = await db.fetch(
        "SELECT sku, product_id FROM catalog_variant WHERE sku = ANY ($1)", list(skus)
    )
    return {row["sku"]: row["product_id"] for row in rows}


async def variant_ids(db: Database, product_ids: Sequence[UUID]) -> set[UUID]:
    """All variants of these products."""
    rows = await db.fetch(
        "SELECT id FROM catalog_variant WHERE product_id = ANY ($1)", list(product_ids)
    )
    return {row["id"] for row in rows}


async def skus_taken(db: Database, skus: Sequence[str], *, beside: UUID | None) -> set[str]:
    """Which of ``skus`` variants of other products have; ``beside`` names the product left out."""
    rows = await db.fetch(
        "SELECT sku FROM catalog_variant WHERE sku = ANY ($1)"
        " AND ($2::uuid IS NULL OR product_id <> $2)",
        list(skus),
        beside,
    )
    return {row["sku"] for row in rows}


async def variant_product(db: Database, variant_id: UUID) -> UUID | None:
    """The product a variant belongs to."""
    found: UUID | None = await db.fetchval(
        "SELECT product_id FROM catalog_variant WHERE id = $1", variant_id
    )
    return found


async def variants_page(
    db: Database,
    *,
    sku: str | None,
    product_id: UUID | None,
    after: str | None,
    limit: int,
    extensions: Sequence[FieldCondition] = (),
) -> list[tuple[UUID, UUID, str]]:
    """Variant id, product id and SKU by SKU, after the one named."""
    fields = "".join(f" AND {f.written('v', 5 + number)}" for number, f in enumerate(extensions))
    rows = await db.fetch(
        f"""
        SELECT v.id, v.product_id, v.sku FROM catalog_variant v
        WHERE ($1::text IS NULL OR v.sku = $1) AND ($2::uuid IS NULL OR v.product_id = $2)
          AND ($3::text IS NULL OR v.sku COLLATE "C" > $3 COLLATE "C"){fields}
        ORDER BY v.sku COLLATE "C" LIMIT $4
        """,
        sku,
        product_id,
        after,
        limit,
        *(field.value for field in extensions),
    )
    return [(row["id"], row["product_id"], row["sku"]) for row in rows]


async def skus_for_sale(db: Database, *, after: str, limit: int) -> list[str]:
    """SKUs of active products by SKU, after the one named."""
    rows = await db.fetch(
        """
        SELECT v.sku FROM catalog_variant v JOIN catalog_product p ON p.id = v.product_id
        WHERE v.sku > $1 AND p.status = 'active' ORDER BY v.sku LIMIT $2
        """,
        after,
        limit,
    )
    return [row["sku"] for row in rows]


async def unchecked_images(
    db: Database, *, limit: int, after: UUID | None = None
) -> list[tuple[UUID, str]]:
    """Pictures elsewhere that nobody tried yet, oldest first."""
    rows = await db.fetch(
        "SELECT id, url FROM catalog_image WHERE status = 'unchecked' AND url LIKE 'http%'"
        " AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $1",
        limit,
        after,
    )
    return [(row["id"], row["url"]) for row in rows]


async def image_checked(
    uow: UnitOfWork, image_id: UUID, status: ImageStatus, now: datetime
) -> None:
    """Record whether a picture could be fetched."""
    await uow.execute(
        "UPDATE catalog_image SET status = $2, checked_at = $3 WHERE id = $1",
        image_id,
        status.value,
        now,
    )

"""Brands and categories."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from commercekit.catalog.models import Brand, Category
from commercekit.catalog.tables import CategoryRow
from commercekit.platform.db import Database, UnitOfWork

__all__ = [
    "add_brand",
    "add_category",
    "brand",
    "brand_by_slug",
    "brand_in_use",
    "brands",
    "brands_by_ids",
    "categories",
    "category",
    "category_by_slug",
    "category_has_children",
    "children",
    "delete_brand",
    "delete_category",
    "is_below",
    "lock_tree",
    "next_position",
    "number",
    "write_brand",
    "write_category",
]

_texts = msgspec.json.Decoder(dict[str, str])
_BRAND = """
    SELECT b.id, b.slug, b.name, b.version, b.created_at, b.updated_at, b.logo_id,
           m.sizes -> -1 ->> 'webp' AS logo_url
    FROM catalog_brand b LEFT JOIN catalog_media m ON m.id = b.logo_id
"""
_CATEGORY = (
    CategoryRow.id,
    CategoryRow.slug,
    CategoryRow.name,
    CategoryRow.parent_id,
    CategoryRow.position,
    CategoryRow.version,
    CategoryRow.created_at,
    CategoryRow.updated_at,
)


def _brand(row: Any) -> Brand:
    return Brand(**{**dict(row), "name": _texts.decode(row["name"])})


def _category(row: dict[str, Any]) -> Category:
    return Category(**{**row, "name": _texts.decode(row["name"])})


async def brand(db: Database, brand_id: UUID) -> Brand | None:
    """The brand of that id."""
    row = await db.fetchrow(f"{_BRAND} WHERE b.id = $1", brand_id)
    return _brand(row) if row else None


async def brand_by_slug(db: Database, slug: str) -> Brand | None:
    """The brand at that address."""
    row = await db.fetchrow(f"{_BRAND} WHERE b.slug = $1", slug)
    return _brand(row) if row else None


async def brands(db: Database, *, after: str | None = None, limit: int = 1000) -> list[Brand]:
    """Brands by slug, after the one named."""
    rows = await db.fetch(
        f"{_BRAND} WHERE ($1::text IS NULL OR b.slug > $1) ORDER BY b.slug LIMIT $2", after, limit
    )
    return [_brand(row) for row in rows]


async def brands_by_ids(db: Database, ids: Sequence[UUID]) -> dict[UUID, Brand]:
    """The brands that exist among ``ids``."""
    if not ids:
        return {}
    rows = await db.fetch(f"{_BRAND} WHERE b.id = ANY ($1)", list(ids))
    return {row["id"]: _brand(row) for row in rows}


async def add_brand(uow: UnitOfWork, new: Brand) -> bool:
    """Write it; ``False`` when its slug is taken."""
    return bool(
        await uow.fetchval(
            "INSERT INTO catalog_brand (id, slug, name, version, created_at, updated_at, logo_id)"
            " VALUES ($1, $2, $3, 1, $4, $4, $5) ON CONFLICT (slug) DO NOTHING RETURNING true",
            new.id,
            new.slug,
            msgspec.json.encode(new.name).decode(),
            new.created_at,
            new.logo_id,
        )
    )


async def write_brand(uow: UnitOfWork, changed: Brand, *, expected: int | None) -> bool:
    """Write slug, name and logo; ``False`` when its version is not the one expected."""
    return bool(
        await uow.fetchval(
            "UPDATE catalog_brand SET slug = $2, name = $3, version = version + 1, updated_at = $4,"
            " logo_id = $6 WHERE id = $1 AND ($5::int IS NULL OR version = $5) RETURNING true",
            changed.id,
            changed.slug,
            msgspec.json.encode(changed.name).decode(),
            changed.updated_at,
            expected,
            changed.logo_id,
        )
    )


async def brand_in_use(db: Database, brand_id: UUID) -> int:
    """How many products have it."""
    count: int = await db.fetchval(
        "SELECT count(*) FROM catalog_product WHERE brand_id = $1", brand_id
    )
    return count


async def delete_brand(uow: UnitOfWork, brand_id: UUID) -> None:
    """Remove it."""
    await uow.execute("DELETE FROM catalog_brand WHERE id = $1", brand_id)


async def category(category_id: UUID) -> Category | None:
    """The category of that id."""
    row = await CategoryRow.select(*_CATEGORY).where(CategoryRow.id == category_id).first()
    return _category(row) if row else None


async def category_by_slug(slug: str) -> Category | None:
    """The category at that address."""
    row = await CategoryRow.select(*_CATEGORY).where(CategoryRow.slug == slug).first()
    return _category(row) if row else None


async def categories() -> list[Category]:
    """The whole tree, siblings in their order."""
    rows = await CategoryRow.select(*_CATEGORY).order_by(CategoryRow.position, CategoryRow.slug)
    return [_category(row) for row in rows]


async def lock_tree(uow: UnitOfWork) -> None:
    """Let changes of the tree come one by one: two moves at once could close a ring."""
    await uow.lock("catalog.category-tree")


async def children(db: Database, parent_id: UUID | None) -> list[UUID]:
    """Who hangs directly below, in order."""
    rows = await db.fetch(
        "SELECT id FROM catalog_category WHERE parent_id IS NOT DISTINCT FROM $1"
        " ORDER BY position, slug",
        parent_id,
    )
    return [row["id"] for row in rows]


async def number(uow: UnitOfWork, ordered: Sequence[UUID]) -> None:
    """Number siblings from 0 in this order; those that stand right already are not written."""
    await uow.execute(
        "UPDATE catalog_category c SET position = w.place - 1"
        " FROM unnest($1::uuid[]) WITH ORDINALITY w (id, place)"
        " WHERE c.id = w.id AND c.position <> w.place - 1",
        list(ordered),
    )


async def next_position(db: Database, parent_id: UUID | None) -> int:
    """The place after the last sibling."""
    position: int = await db.fetchval(
        "SELECT coalesce(max(position) + 1, 0) FROM catalog_category"
        " WHERE parent_id IS NOT DISTINCT FROM $1",
        parent_id,
    )
    return position


async def is_below(db: Database, category_id: UUID, possible_ancestor: UUID) -> bool:
    """Whether the first hangs, at any depth, below the second, or is the same."""
    return bool(
        await db.fetchval(
            "SELECT EXISTS (SELECT FROM catalog_category_ancestry(ARRAY[$1::uuid])"
            " WHERE ancestor_id = $2)",
            category_id,
            possible_ancestor,
        )
    )


async def add_category(uow: UnitOfWork, new: Category) -> bool:
    """Write it; ``False`` when its slug is taken."""
    return bool(
        await uow.fetchval(
            "INSERT INTO catalog_category"
            " (id, slug, name, parent_id, position, version, created_at, updated_at)"
            " VALUES ($1, $2, $3, $4, $5, 1, $6, $6)"
            " ON CONFLICT (slug) DO NOTHING RETURNING true",
            new.id,
            new.slug,
            msgspec.json.encode(new.name).decode(),
            new.parent_id,
            new.position,
            new.created_at,
        )
    )


async def write_category(uow: UnitOfWork, changed: Category, *, expected: int | None) -> bool:
    """Write slug, name and place; ``False`` when its version is not the one expected."""
    return bool(
        await uow.fetchval(
            "UPDATE catalog_category SET slug = $2, name = $3, parent_id = $4, position = $5,"
            " version = version + 1, updated_at = $6"
            " WHERE id = $1 AND ($7::int IS NULL OR version = $7) RETURNING true",
            changed.id,
            changed.slug,
            msgspec.json.encode(changed.name).decode(),
            changed.parent_id,
            changed.position,
            changed.updated_at,
            expected,
        )
    )


async def category_has_children(db: Database, category_id: UUID) -> bool:
    """Whether others hang directly below it."""
    return bool(
        await db.fetchval(
            "SELECT EXISTS (SELECT FROM catalog_category WHERE parent_id = $1)", category_id
        )
    )


async def delete_category(uow: UnitOfWork, category_id: UUID) -> None:
    """Remove it; products that stood on it stay."""
    await uow.execute("DELETE FROM catalog_category WHERE id = $1", category_id)

"""Definitions of attributes, and the walk of the schedule."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from commercekit.catalog.models import Attribute, AttributeKind, OptionValue
from commercekit.platform.db import Database, UnitOfWork

__all__ = ["add", "delete", "due", "in_use", "of_type", "of_types", "one", "page", "write"]

_COLUMNS = (
    "id, product_type, code, name, kind, unit, choices, required, position, version,"
    " created_at, updated_at"
)
_texts = msgspec.json.Decoder(dict[str, str])
_choices = msgspec.json.Decoder(tuple[OptionValue, ...])


def _attribute(row: Any) -> Attribute:
    return Attribute(
        **{
            **dict(row),
            "name": _texts.decode(row["name"]),
            "kind": AttributeKind(row["kind"]),
            "choices": _choices.decode(row["choices"]),
        }
    )


async def of_type(db: Database, product_type: str) -> list[Attribute]:
    """What products of the type have, in the order shown."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM catalog_attribute WHERE product_type = $1 ORDER BY position, code",
        product_type,
    )
    return [_attribute(row) for row in rows]


async def of_types(db: Database, product_types: Iterable[str]) -> dict[str, list[Attribute]]:
    """The same for several types; one without any is absent."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM catalog_attribute WHERE product_type = ANY ($1)"
        " ORDER BY product_type, position, code",
        list(product_types),
    )
    found: dict[str, list[Attribute]] = {}
    for row in rows:
        found.setdefault(row["product_type"], []).append(_attribute(row))
    return found


async def page(
    db: Database, product_type: str | None, after: UUID | None, limit: int
) -> list[Attribute]:
    """Definitions, newest first."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM catalog_attribute"
        " WHERE ($1::text IS NULL OR product_type = $1) AND ($2::uuid IS NULL OR id < $2)"
        " ORDER BY id DESC LIMIT $3",
        product_type,
        after,
        limit,
    )
    return [_attribute(row) for row in rows]


async def one(db: Database, attribute_id: UUID) -> Attribute | None:
    """The definition of that id."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM catalog_attribute WHERE id = $1",
        attribute_id,
    )
    return _attribute(row) if row else None


async def add(uow: UnitOfWork, new: Attribute) -> bool:
    """Write it; ``False`` when the type has one of that code."""
    return bool(
        await uow.fetchval(
            f"INSERT INTO catalog_attribute ({_COLUMNS})"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $10)"
            " ON CONFLICT (product_type, code) DO NOTHING RETURNING true",
            new.id,
            new.product_type,
            new.code,
            msgspec.json.encode(new.name).decode(),
            new.kind.value,
            new.unit,
            msgspec.json.encode(new.choices).decode(),
            new.required,
            new.position,
            new.created_at,
        )
    )


async def write(uow: UnitOfWork, changed: Attribute, *, expected: int | None) -> bool:
    """Write what can change; ``False`` when its version is not the one expected."""
    return bool(
        await uow.fetchval(
            "UPDATE catalog_attribute SET name = $2, unit = $3, choices = $4, required = $5,"
            " position = $6, updated_at = $7, version = version + 1"
            " WHERE id = $1 AND ($8::int IS NULL OR version = $8) RETURNING true",
            changed.id,
            msgspec.json.encode(changed.name).decode(),
            changed.unit,
            msgspec.json.encode(changed.choices).decode(),
            changed.required,
            changed.position,
            changed.updated_at,
            expected,
        )
    )


async def in_use(db: Database, attribute: Attribute) -> set[str]:
    """The values, as text, that products have of it."""
    rows = await db.fetch(
        "SELECT DISTINCT attributes ->> $2 AS value FROM catalog_product"
        " WHERE type = $1 AND attributes ? $2",
        attribute.product_type,
        attribute.code,
    )
    return {row["value"] for row in rows}


async def delete(uow: UnitOfWork, attribute_id: UUID) -> None:
    """Forget a definition."""
    await uow.execute("DELETE FROM catalog_attribute WHERE id = $1", attribute_id)


async def due(db: Database, now: datetime, *, limit: int) -> list[UUID]:
    """Products whose time to appear or to disappear has come."""
    rows = await db.fetch(
        "SELECT id FROM catalog_product"
        " WHERE (publish_at <= $1 AND status = 'draft')"
        " OR (unpublish_at <= $1 AND status = 'active') ORDER BY id LIMIT $2",
        now,
        limit,
    )
    return [row["id"] for row in rows]

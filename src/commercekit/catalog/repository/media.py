"""Uploaded pictures."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from commercekit.catalog.models import Media, MediaSize
from commercekit.platform.db import Database, UnitOfWork

__all__ = [
    "add",
    "by_ids",
    "delete",
    "leaving",
    "mark_unused",
    "page",
    "ready_by_digest",
    "set_ready",
    "take_out",
    "touch",
    "withdraw",
]

_sizes = msgspec.json.Decoder(tuple[MediaSize, ...])
_COLUMNS = (
    "m.id, m.digest, m.stem, m.filename, m.media_type, m.width, m.height, m.sizes, m.uploaded_by,"
    " m.created_at"
)
_USED = (
    "(EXISTS (SELECT FROM catalog_image i WHERE i.media_id = m.id)"
    " OR EXISTS (SELECT FROM catalog_brand b WHERE b.logo_id = m.id))"
)


def _media(row: Any) -> Media:
    return Media(**{**dict(row), "sizes": _sizes.decode(row["sizes"])})


async def add(uow: UnitOfWork, media: Media) -> None:
    """Write down that files of it are about to be kept."""
    await uow.execute(
        "INSERT INTO catalog_media (id, digest, stem, status, filename, media_type, width, height,"
        " sizes, uploaded_by, created_at)"
        " VALUES ($1, $2, $3, 'writing', $4, $5, $6, $7, $8, $9, $10)",
        media.id,
        media.digest,
        media.stem,
        media.filename,
        media.media_type,
        media.width,
        media.height,
        msgspec.json.encode(media.sizes).decode(),
        media.uploaded_by,
        media.created_at,
    )


async def set_ready(uow: UnitOfWork, media_id: UUID) -> bool:
    """Its files are there; ``False`` when it was taken for abandoned meanwhile."""
    return bool(
        await uow.fetchval(
            "UPDATE catalog_media SET status = 'ready', unused_since = $2"
            " WHERE id = $1 AND status = 'writing' RETURNING true",
            media_id,
            uow.clock.now(),
        )
    )


async def withdraw(uow: UnitOfWork, media_id: UUID) -> None:
    """Let nobody use it from now on."""
    await uow.execute("UPDATE catalog_media SET status = 'removed' WHERE id = $1", media_id)


async def ready_by_digest(db: Database, digest: str) -> Media | None:
    """The same picture, if it is there already."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM catalog_media m WHERE m.digest = $1 AND m.status = 'ready'",
        digest,
    )
    return _media(row) if row else None


async def by_ids(db: Database, ids: Sequence[UUID], *, hold: bool = False) -> dict[UUID, Media]:
    """Those among ``ids`` that can be used; with ``hold`` none of them leaves before the end."""
    if not ids:
        return {}
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM catalog_media m WHERE m.id = ANY ($1) AND m.status = 'ready'"
        f" ORDER BY m.id {'FOR KEY SHARE' if hold else ''}",
        list(ids),
    )
    return {row["id"]: _media(row) for row in rows}


async def page(db: Database, *, unused: bool, after: UUID | None, limit: int) -> list[Media]:
    """Newest first."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM catalog_media m WHERE m.status = 'ready'"
        f" AND ($1::uuid IS NULL OR m.id < $1) AND NOT ($2 AND {_USED}) ORDER BY m.id DESC LIMIT $3",
        after,
        unused,
        limit,
    )
    return [_media(row) for row in rows]


async def touch(db: Database, media_id: UUID, now: datetime) -> bool:
    """Somebody sent it again: its week on nothing begins anew. ``False`` when it is leaving."""
    return bool(
        await db.fetchval(
            "UPDATE catalog_media SET unused_since = $2 WHERE id = $1 AND status = 'ready'"
            " RETURNING true",
            media_id,
            now,
        )
    )


async def mark_unused(uow: UnitOfWork) -> None:
    """Note since when a picture is on nothing; forget that for those that are used again."""
    await uow.execute(
        f"UPDATE catalog_media m SET unused_since = CASE WHEN {_USED} THEN NULL ELSE $1::timestamptz END"
        f" WHERE m.status = 'ready' AND (m.unused_since IS NULL) <> {_USED}",
        uow.clock.now(),
    )


async def leaving(db: Database, *, unused_before: datetime, writing_before: datetime) -> list[UUID]:
    """Whose time is over: long on nothing, never finished, or withdrawn."""
    rows = await db.fetch(
        "SELECT id FROM catalog_media WHERE (status = 'ready' AND unused_since < $1)"
        " OR (status = 'writing' AND created_at < $2) OR status = 'removed' ORDER BY id LIMIT 200",
        unused_before,
        writing_before,
    )
    return [row["id"] for row in rows]


async def take_out(uow: UnitOfWork, media_id: UUID) -> Media | None:
    """Withdraw it, unless something shows it; then it stays, and ``None`` comes back."""
    # First the lock, then the question: whoever attached it meanwhile has committed by now.
    await uow.execute("SELECT FROM catalog_media WHERE id = $1 FOR UPDATE", media_id)
    row = await uow.fetchrow(
        f"UPDATE catalog_media m SET status = 'removed' WHERE m.id = $1 AND NOT {_USED}"
        f" RETURNING {_COLUMNS}",
        media_id,
    )
    return _media(row) if row else None


async def delete(db: Database, media_id: UUID) -> None:
    """Forget one whose files are gone."""
    await db.execute("DELETE FROM catalog_media WHERE id = $1 AND status = 'removed'", media_id)

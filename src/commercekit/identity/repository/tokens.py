"""Every query about staff tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commercekit.identity.models import LimitView, StaffToken
from commercekit.platform.security import LimitKind

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from commercekit.kernel import PageRequest
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["TokenRepository"]

_COLUMNS = "id, handle, name, scopes, created_by, created_at, expires_at, revoked_at, limit_kind, limit_codes"


class TokenRepository:
    """Tokens in PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def find_secret(self, handle: str) -> tuple[StaffToken, bytes] | None:
        """The token with this handle and the hash of its secret."""
        row = await self._db.fetchrow(
            f"SELECT {_COLUMNS}, secret_hash FROM identity_staff_token WHERE handle = $1",
            handle,
        )
        return None if row is None else (_token(row), row["secret_hash"])

    async def put_token(self, uow: UnitOfWork, token: StaffToken, secret_hash: bytes) -> None:
        """Add the token; one with the same id, whose answer was lost, gets the new secret instead."""
        await uow.execute(
            "INSERT INTO identity_staff_token"
            " (id, handle, name, secret_hash, scopes, created_by, created_at, expires_at,"
            " limit_kind, limit_codes)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            " ON CONFLICT (id) DO UPDATE SET handle = excluded.handle,"
            " secret_hash = excluded.secret_hash",
            token.id,
            token.handle,
            token.name,
            secret_hash,
            token.scopes,
            token.created_by,
            token.created_at,
            token.expires_at,
            token.limit.kind if token.limit else None,
            token.limit.codes if token.limit else [],
        )

    async def revoke(
        self, uow: UnitOfWork, token_id: UUID, at: datetime, *, maker: str | None = None
    ) -> str | None:
        """Revoke, keeping the first date; gives the handle, ``None`` if there is no such token."""
        handle: str | None = await uow.fetchval(
            "UPDATE identity_staff_token SET revoked_at = coalesce(revoked_at, $2)"
            " WHERE id = $1 AND ($3::text IS NULL OR created_by = $3) RETURNING handle",
            token_id,
            at,
            maker,
        )
        return handle

    async def tokens(self, page: PageRequest, maker: str | None = None) -> list[StaffToken]:
        """Newest first, one more than asked for if there are more; of ``maker`` if there is one."""
        rows = await self._db.fetch(
            f"SELECT {_COLUMNS} FROM identity_staff_token"
            " WHERE ($1::uuid IS NULL OR id < $1) AND ($3::text IS NULL OR created_by = $3)"
            " ORDER BY id DESC LIMIT $2",
            page.after[0] if page.after else None,
            page.limit + 1,
            maker,
        )
        return [_token(row) for row in rows]

    async def holding(self, resource: str) -> list[StaffToken]:
        """Tokens that work and name a scope of ``resource``, or of one that begins with it and a hyphen."""
        rows = await self._db.fetch(
            f"SELECT {_COLUMNS} FROM identity_staff_token WHERE revoked_at IS NULL AND EXISTS"
            " (SELECT FROM unnest(scopes) s WHERE s LIKE $1 || ':%' OR s LIKE $1 || '-%') ORDER BY id",
            resource,
        )
        return [_token(row) for row in rows]

    async def set_scopes(self, uow: UnitOfWork, token_id: UUID, scopes: list[str]) -> None:
        """Write what a token may do."""
        await uow.execute(
            "UPDATE identity_staff_token SET scopes = $2 WHERE id = $1", token_id, scopes
        )


def _token(row: Any) -> StaffToken:
    said = {name: row[name] for name in StaffToken.__struct_fields__ if name != "limit"}
    limit = None
    if row["limit_kind"] is not None:
        limit = LimitView(kind=LimitKind(row["limit_kind"]), codes=row["limit_codes"])
    return StaffToken(**said, limit=limit)

"""Every query on sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from commercekit.identity.models import Client, FoundSession, IssuedSession, SessionView

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["SessionRepository"]

_TABLE = "identity_session"
_FOUND = """
SELECT s.secret_hash, s.id, s.realm, s.account_id, s.seen_at, s.expires_at, s.password_at,
    s.second_factor, s.second_factor_at, s.is_pending, a.scopes,
    CASE WHEN s.realm = 'staff' THEN (
        SELECT json_agg(json_build_array(b.role, b.limit_kind, b.limit_codes, r.permissions))::text
        FROM identity_role_binding b LEFT JOIN identity_role r ON r.code = b.role
        WHERE b.account_id = a.id
    ) END
FROM identity_session s JOIN identity_account a ON a.id = s.account_id
WHERE s.secret_hash = ANY ($1::bytea[]) AND s.revoked_at IS NULL
    AND a.disabled_at IS NULL AND a.deleted_at IS NULL
"""


class SessionRepository:
    """Sessions in PostgreSQL."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def find(self, digests: Sequence[bytes]) -> dict[bytes, FoundSession]:
        """Those of ``digests`` that are neither revoked nor of a closed account, by their digest."""
        rows = await self._db.fetch(_FOUND, digests)
        return {row[0]: FoundSession(*row) for row in rows}

    async def insert(
        self,
        uow: UnitOfWork,
        session: IssuedSession,
        account_id: UUID,
        secret_hash: bytes,
        client: Client,
        now: datetime,
    ) -> None:
        """Add a session whose password was proven just now."""
        await uow.execute(
            "INSERT INTO identity_session (id, realm, account_id, secret_hash, client, created_at,"
            " seen_at, expires_at, password_at, is_pending)"
            " VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $6, $8)",
            session.id,
            session.realm,
            account_id,
            secret_hash,
            self._sealer.seal(_TABLE, "client", session.id, replace(client, visit="")),
            now,
            session.expires_at,
            session.is_pending,
        )

    async def touch(self, ids: Sequence[UUID], now: datetime) -> None:
        """Note that these were used."""
        await self._db.execute(
            "UPDATE identity_session SET seen_at = $2 WHERE id = ANY ($1::uuid[]) AND seen_at < $2",
            ids,
            now,
        )

    async def elevate(
        self,
        uow: UnitOfWork,
        session_id: UUID,
        *,
        secret_hash: bytes,
        factor: str,
        now: datetime,
        expires_at: datetime,
    ) -> tuple[str, datetime] | None:
        """Note a second factor and replace the cookie; gives realm and end, ``None`` if it is over."""
        row = await uow.fetchrow(
            "UPDATE identity_session SET secret_hash = $2, second_factor = $3, second_factor_at = $4,"
            " seen_at = $4, expires_at = CASE WHEN is_pending THEN $5 ELSE expires_at END,"
            " is_pending = false WHERE id = $1 AND revoked_at IS NULL AND expires_at > $4"
            " RETURNING realm, expires_at",
            session_id,
            secret_hash,
            factor,
            now,
            expires_at,
        )
        return None if row is None else (row["realm"], row["expires_at"])

    async def rotate(
        self, uow: UnitOfWork, session_id: UUID, secret_hash: bytes, now: datetime
    ) -> tuple[str, datetime, bool] | None:
        """Replace the cookie, and note that the password was proven again."""
        row = await uow.fetchrow(
            "UPDATE identity_session SET secret_hash = $2, password_at = $3, seen_at = $3"
            " WHERE id = $1 AND revoked_at IS NULL AND expires_at > $3"
            " RETURNING realm, expires_at, is_pending",
            session_id,
            secret_hash,
            now,
        )
        return None if row is None else (row["realm"], row["expires_at"], row["is_pending"])

    async def revoke(
        self, uow: UnitOfWork, session_id: UUID, account_id: UUID, now: datetime, because: str
    ) -> bool:
        """End one session of an account; ``False`` when it has no such session."""
        found = await uow.fetchval(
            "UPDATE identity_session SET revoked_at = coalesce(revoked_at, $3),"
            " revoked_for = coalesce(revoked_for, $4) WHERE id = $1 AND account_id = $2 RETURNING id",
            session_id,
            account_id,
            now,
            because,
        )
        return found is not None

    async def revoke_secret(
        self, uow: UnitOfWork, secret_hash: bytes, now: datetime, because: str
    ) -> UUID | None:
        """End the session of a cookie; gives whose it was."""
        account_id: UUID | None = await uow.fetchval(
            "UPDATE identity_session SET revoked_at = $2, revoked_for = $3"
            " WHERE secret_hash = $1 AND revoked_at IS NULL RETURNING account_id",
            secret_hash,
            now,
            because,
        )
        return account_id

    async def revoke_all(
        self, uow: UnitOfWork, account_id: UUID, now: datetime, because: str, keep: UUID | None
    ) -> int:
        """End every session of an account but ``keep``; gives how many."""
        tag = await uow.execute(
            "UPDATE identity_session SET revoked_at = $2, revoked_for = $3"
            " WHERE account_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $4::uuid",
            account_id,
            now,
            because,
            keep,
        )
        return int(tag.rpartition(" ")[2])

    async def open_ones(
        self, account_id: UUID, now: datetime, seen_since: datetime, current: UUID | None
    ) -> list[SessionView]:
        """Sessions that work, the last used first."""
        rows = await self._db.fetch(
            "SELECT id, created_at, seen_at, expires_at, client FROM identity_session"
            " WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > $2 AND seen_at > $3"
            " ORDER BY seen_at DESC, id DESC",
            account_id,
            now,
            seen_since,
        )
        return [self._view(row, current) for row in rows]

    async def prune(self, uow: UnitOfWork, before: datetime) -> None:
        """Forget sessions that were over before."""
        await uow.execute(
            "DELETE FROM identity_session WHERE expires_at < $1 OR revoked_at < $1", before
        )

    def _view(self, row: Any, current: UUID | None) -> SessionView:
        client = self._sealer.open(_TABLE, "client", row["id"], row["client"], Client)
        return SessionView(
            id=row["id"],
            created_at=row["created_at"],
            seen_at=row["seen_at"],
            expires_at=row["expires_at"],
            address=client.address,
            user_agent=client.user_agent,
            is_current=row["id"] == current,
        )

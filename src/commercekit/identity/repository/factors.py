"""Every query on second factors, their codes and challenges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from commercekit.identity.models.factors import Factor, FactorKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["FactorRepository", "Question"]

_TABLE = "identity_factor"
_COLUMNS = (
    "id, account_id, kind, label, secret, credential, counter, created_at, confirmed_at, used_at"
)


class Question(NamedTuple):
    """What was asked of somebody, and what the answer is checked by."""

    id: UUID
    factor_id: UUID | None
    digest: bytes


class FactorRepository:
    """Factors in PostgreSQL; what is secret of them is sealed."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def kinds(self, uow: UnitOfWork, account_id: UUID) -> list[str]:
        """Kinds of factor that the account can prove with, each once."""
        rows = await uow.fetch(
            "SELECT DISTINCT kind FROM identity_factor"
            " WHERE account_id = $1 AND confirmed_at IS NOT NULL ORDER BY kind",
            account_id,
        )
        return [row[0] for row in rows]

    async def of(self, account_id: UUID, kind: FactorKind | None = None) -> list[Factor]:
        """What is set up, oldest first."""
        rows = await self._db.fetch(
            f"SELECT {_COLUMNS} FROM identity_factor WHERE account_id = $1"
            " AND confirmed_at IS NOT NULL AND ($2::text IS NULL OR kind = $2) ORDER BY id",
            account_id,
            kind,
        )
        return [self._factor(row) for row in rows]

    async def lock(self, uow: UnitOfWork, factor_id: UUID, account_id: UUID) -> Factor | None:
        """One factor of the account, confirmed or not; nobody else changes it meanwhile."""
        row = await uow.fetchrow(
            f"SELECT {_COLUMNS} FROM identity_factor WHERE id = $1 AND account_id = $2 FOR UPDATE",
            factor_id,
            account_id,
        )
        return None if row is None else self._factor(row)

    async def by_credential(self, credential: bytes, account_id: UUID) -> Factor | None:
        """The account's passkey of this name."""
        row = await self._db.fetchrow(
            f"SELECT {_COLUMNS} FROM identity_factor WHERE credential = $1 AND account_id = $2"
            " AND confirmed_at IS NOT NULL",
            credential,
            account_id,
        )
        return None if row is None else self._factor(row)

    async def insert(self, uow: UnitOfWork, factor: Factor) -> bool:
        """Add a factor; false when the passkey is known already, whoever's it is."""
        added = await uow.fetchval(
            f"INSERT INTO identity_factor ({_COLUMNS})"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            " ON CONFLICT (credential) DO NOTHING RETURNING id",
            factor.id,
            factor.account_id,
            factor.kind,
            factor.label,
            self._sealer.seal(_TABLE, "secret", factor.id, factor.secret),
            factor.credential,
            factor.counter,
            factor.created_at,
            factor.confirmed_at,
            factor.used_at,
        )
        return added is not None

    async def drop_unconfirmed(self, uow: UnitOfWork, account_id: UUID, kind: FactorKind) -> None:
        """Forget what was begun and never proven."""
        await uow.execute(
            "DELETE FROM identity_factor"
            " WHERE account_id = $1 AND kind = $2 AND confirmed_at IS NULL",
            account_id,
            kind,
        )

    async def confirm(
        self, uow: UnitOfWork, factor: Factor, *, counter: int, now: datetime
    ) -> None:
        """It was proven: from here on it counts, in place of another of its kind but passkeys."""
        await uow.execute(
            "DELETE FROM identity_factor"
            " WHERE account_id = $1 AND kind = $2 AND kind <> 'passkey' AND id <> $3",
            factor.account_id,
            factor.kind,
            factor.id,
        )
        await uow.execute(
            "UPDATE identity_factor SET confirmed_at = $2, used_at = $2, counter = $3 WHERE id = $1",
            factor.id,
            now,
            counter,
        )

    async def use(
        self, uow: UnitOfWork, factor_id: UUID, *, counter: int | None, now: datetime
    ) -> bool:
        """Note that it was proven. A ``counter`` that is not beyond the last one proves nothing: false."""
        used = await uow.fetchval(
            "UPDATE identity_factor SET used_at = $2, counter = coalesce($3, counter)"
            " WHERE id = $1 AND confirmed_at IS NOT NULL AND ($3::bigint IS NULL OR counter < $3)"
            " RETURNING id",
            factor_id,
            now,
            counter,
        )
        return used is not None

    async def remove(self, uow: UnitOfWork, factor_id: UUID, account_id: UUID) -> str | None:
        """Take a factor away; gives its kind, ``None`` when the account has none of this id."""
        kind: str | None = await uow.fetchval(
            "DELETE FROM identity_factor WHERE id = $1 AND account_id = $2 RETURNING kind",
            factor_id,
            account_id,
        )
        return kind

    async def forget(self, uow: UnitOfWork, account_id: UUID) -> int:
        """Take everything away that the account has set up; gives how many factors that were."""
        await uow.execute("DELETE FROM identity_recovery_code WHERE account_id = $1", account_id)
        await uow.execute("DELETE FROM identity_challenge WHERE account_id = $1", account_id)
        rows = await uow.fetch(
            "DELETE FROM identity_factor WHERE account_id = $1 RETURNING id", account_id
        )
        return len(rows)

    async def put_recovery_codes(
        self, uow: UnitOfWork, account_id: UUID, hashes: Sequence[bytes], now: datetime
    ) -> None:
        """New codes in place of all others."""
        await uow.execute("DELETE FROM identity_recovery_code WHERE account_id = $1", account_id)
        await uow.execute(
            "INSERT INTO identity_recovery_code (account_id, hash, created_at)"
            " SELECT $1, unnest($2::bytea[]), $3",
            account_id,
            list(hashes),
            now,
        )

    async def spend_recovery_code(
        self, uow: UnitOfWork, account_id: UUID, digest: bytes, now: datetime
    ) -> bool:
        """Whether it was one that nobody used before."""
        spent = await uow.fetchval(
            "UPDATE identity_recovery_code SET spent_at = $3"
            " WHERE account_id = $1 AND hash = $2 AND spent_at IS NULL RETURNING 1",
            account_id,
            digest,
            now,
        )
        return spent is not None

    async def recovery_codes_left(self, account_id: UUID, uow: UnitOfWork | None = None) -> int:
        """How many can still be used."""
        left: int = await (uow or self._db).fetchval(
            "SELECT count(*) FROM identity_recovery_code"
            " WHERE account_id = $1 AND spent_at IS NULL",
            account_id,
        )
        return left

    async def put_challenge(
        self,
        uow: UnitOfWork,
        challenge_id: UUID,
        *,
        session_id: UUID,
        account_id: UUID,
        factor_id: UUID | None,
        kind: str,
        digest: bytes,
        now: datetime,
        expires_at: datetime,
        target: bytes | None = None,
    ) -> None:
        """A new question of this kind for the session; what was asked before is void."""
        await uow.execute(
            "UPDATE identity_challenge SET spent_at = $3"
            " WHERE session_id = $1 AND kind = $2 AND spent_at IS NULL",
            session_id,
            kind,
            now,
        )
        await uow.execute(
            "INSERT INTO identity_challenge (id, session_id, account_id, factor_id, kind, digest,"
            " target, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            challenge_id,
            session_id,
            account_id,
            factor_id,
            kind,
            digest,
            target,
            now,
            expires_at,
        )

    async def asked_since(self, uow: UnitOfWork, target: bytes, since: datetime) -> list[datetime]:
        """When codes were sent there, oldest first; nobody else sends one meanwhile."""
        await uow.lock(f"identity-codes:{target.hex()}")
        rows = await uow.fetch(
            "SELECT created_at FROM identity_challenge WHERE target = $1 AND created_at > $2"
            " ORDER BY created_at",
            target,
            since,
        )
        return [row[0] for row in rows]

    async def answer(
        self, session_id: UUID, kind: str, now: datetime, *, most_tries: int
    ) -> Question | None:
        """The open question of this kind, with this try counted; ``None`` if there is none.

        Counted for good, whatever becomes of the answer.
        """
        row = await self._db.fetchrow(
            "UPDATE identity_challenge SET tries = tries + 1"
            " WHERE session_id = $1 AND kind = $2 AND spent_at IS NULL AND expires_at > $3"
            " AND tries < $4 RETURNING id, factor_id, digest",
            session_id,
            kind,
            now,
            most_tries,
        )
        return None if row is None else Question(*row)

    async def spend_challenge(self, uow: UnitOfWork, challenge_id: UUID, now: datetime) -> bool:
        """Answered: it is no question any more. False when somebody was quicker."""
        spent = await uow.fetchval(
            "UPDATE identity_challenge SET spent_at = $2 WHERE id = $1 AND spent_at IS NULL"
            " RETURNING 1",
            challenge_id,
            now,
        )
        return spent is not None

    async def prune(self, uow: UnitOfWork, before: datetime) -> None:
        """Forget questions that were asked before."""
        await uow.execute("DELETE FROM identity_challenge WHERE created_at < $1", before)

    def _factor(self, row: Any) -> Factor:
        given = {name: row[name] for name in Factor.__struct_fields__}
        given["kind"] = FactorKind(row["kind"])
        given["secret"] = self._sealer.open(_TABLE, "secret", row["id"], row["secret"])
        return Factor(**given)

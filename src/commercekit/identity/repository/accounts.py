"""Every query on accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from commercekit.identity.models import Account, Realm

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from commercekit.kernel import PageRequest
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["AccountRepository", "Reader", "StoredPassword"]

_TABLE = "identity_account"
_COLUMNS = (
    "id, realm, email, name, locale, scopes, password_at,"
    " email_proven_at, disabled_at, created_at, version"
)


class Reader(Protocol):
    """A database or a unit of work: anything that answers queries."""

    async def fetch(self, sql: str, /, *args: Any) -> list[Any]: ...
    async def fetchrow(self, sql: str, /, *args: Any) -> Any: ...


class StoredPassword(NamedTuple):
    """A sealed hash, and whose it is; ``None`` for an account that has no password yet."""

    account_id: UUID
    sealed: bytes | None
    chosen_at: datetime | None


class AccountRepository:
    """Accounts, their personal fields sealed."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    def email_index(self, email: str) -> bytes:
        """What an address is found by."""
        return self._sealer.blind_index(_TABLE, "email", email)

    async def insert(self, uow: UnitOfWork, account: Account, password: bytes | None) -> bool:
        """Add an account; ``False`` when its realm has one with this address."""
        tag = await uow.execute(
            "INSERT INTO identity_account (id, realm, email, email_index, name, locale, password,"
            " password_at, email_proven_at, scopes, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7::bytea,"
            " CASE WHEN $7::bytea IS NULL THEN NULL ELSE $10::timestamptz END, $8, $9, $10)"
            " ON CONFLICT (realm, email_index) WHERE deleted_at IS NULL DO NOTHING",
            account.id,
            account.realm,
            self._sealer.seal(_TABLE, "email", account.id, account.email),
            self.email_index(account.email),
            self._name(account.id, account.name),
            account.locale,
            password,
            account.email_proven_at,
            list(account.scopes),
            account.created_at,
        )
        return tag.endswith(" 1")

    async def by_email(self, where: Reader, realm: Realm, email: str) -> Account | None:
        """The account with this address."""
        row = await where.fetchrow(
            f"SELECT {_COLUMNS} FROM identity_account"
            " WHERE realm = $1 AND email_index = $2 AND deleted_at IS NULL",
            realm,
            self.email_index(email),
        )
        return None if row is None else self._account(row)

    async def get(self, where: Reader, account_id: UUID, realm: Realm) -> Account | None:
        """An account of a realm that was not deleted."""
        row = await where.fetchrow(
            f"SELECT {_COLUMNS} FROM identity_account"
            " WHERE id = $1 AND realm = $2 AND deleted_at IS NULL",
            account_id,
            realm,
        )
        return None if row is None else self._account(row)

    async def several(
        self, where: Reader, account_ids: Sequence[UUID], realm: Realm
    ) -> list[Account]:
        """Those of the accounts that were not deleted, newest first."""
        rows = await where.fetch(
            f"SELECT {_COLUMNS} FROM identity_account"
            " WHERE id = ANY ($1::uuid[]) AND realm = $2 AND deleted_at IS NULL ORDER BY id DESC",
            list(account_ids),
            realm,
        )
        return [self._account(row) for row in rows]

    async def lock(self, uow: UnitOfWork, account_id: UUID, realm: Realm) -> Account | None:
        """As :meth:`get`; nobody else changes it, or opens a session for it, until ``uow`` is over."""
        row = await uow.fetchrow(
            f"SELECT {_COLUMNS} FROM identity_account"
            " WHERE id = $1 AND realm = $2 AND deleted_at IS NULL FOR UPDATE",
            account_id,
            realm,
        )
        return None if row is None else self._account(row)

    async def password_of(
        self,
        where: Reader,
        realm: Realm,
        *,
        email: str | None = None,
        account_id: UUID | None = None,
    ) -> StoredPassword | None:
        """What is stored of whoever may log in by this address or has this id."""
        row = await where.fetchrow(
            "SELECT id, password, password_at FROM identity_account WHERE realm = $1 AND deleted_at IS NULL"
            " AND disabled_at IS NULL"
            " AND ($2::bytea IS NULL OR email_index = $2) AND ($3::uuid IS NULL OR id = $3)",
            realm,
            None if email is None else self.email_index(email),
            account_id,
        )
        return None if row is None else StoredPassword(*row)

    async def newest(self, realm: Realm, page: PageRequest) -> list[Account]:
        """Accounts of a realm, newest first, one more than asked for if there are more."""
        rows = await self._db.fetch(
            f"SELECT {_COLUMNS} FROM identity_account WHERE realm = $3 AND deleted_at IS NULL"
            " AND ($1::uuid IS NULL OR id < $1) ORDER BY id DESC LIMIT $2",
            page.after[0] if page.after else None,
            page.limit + 1,
            realm,
        )
        return [self._account(row) for row in rows]

    async def set_password(
        self, uow: UnitOfWork, account_id: UUID, sealed: bytes, at: datetime
    ) -> None:
        """Write a new password."""
        await uow.execute(
            "UPDATE identity_account SET password = $2, password_at = $3, version = version + 1"
            " WHERE id = $1",
            account_id,
            sealed,
            at,
        )

    async def rehash(self, account_id: UUID, before: bytes, sealed: bytes) -> None:
        """Write the same password in today's cost, unless it was changed in the meantime."""
        await self._db.execute(
            "UPDATE identity_account SET password = $3 WHERE id = $1 AND password = $2",
            account_id,
            before,
            sealed,
        )

    async def set_email(self, uow: UnitOfWork, account: Account, email: str, at: datetime) -> bool:
        """Write a proven address; ``False`` when another account of the realm has it."""
        tag = await uow.execute(
            "UPDATE identity_account SET email = $2, email_index = $3, email_proven_at = $4,"
            " version = version + 1 WHERE id = $1 AND NOT EXISTS (SELECT FROM identity_account o"
            " WHERE o.realm = $5 AND o.email_index = $3 AND o.deleted_at IS NULL AND o.id <> $1)",
            account.id,
            self._sealer.seal(_TABLE, "email", account.id, email),
            self.email_index(email),
            at,
            account.realm,
        )
        return tag.endswith(" 1")

    async def prove_email(self, uow: UnitOfWork, account_id: UUID, at: datetime) -> None:
        """Note that somebody reads what is sent to the account's address."""
        await uow.execute(
            "UPDATE identity_account SET email_proven_at = coalesce(email_proven_at, $2)"
            " WHERE id = $1",
            account_id,
            at,
        )

    async def set_profile(
        self, uow: UnitOfWork, account_id: UUID, name: str | None, locale: str
    ) -> None:
        """Write name and language."""
        await uow.execute(
            "UPDATE identity_account SET name = $2, locale = $3, version = version + 1"
            " WHERE id = $1",
            account_id,
            self._name(account_id, name),
            locale,
        )

    async def set_scopes(self, uow: UnitOfWork, account_id: UUID, scopes: Sequence[str]) -> None:
        """Write what a member of staff may do."""
        await uow.execute(
            "UPDATE identity_account SET scopes = $2, version = version + 1 WHERE id = $1",
            account_id,
            list(scopes),
        )

    async def set_disabled(self, uow: UnitOfWork, account_id: UUID, at: datetime | None) -> None:
        """Close an account, or open it again with ``None``."""
        await uow.execute(
            "UPDATE identity_account SET disabled_at = $2, version = version + 1 WHERE id = $1",
            account_id,
            at,
        )

    async def erase(self, uow: UnitOfWork, account_id: UUID, at: datetime) -> None:
        """Delete an account: what is personal is gone, its id stays for the books."""
        for table in ("identity_factor", "identity_recovery_code", "identity_challenge"):
            await uow.execute(f"DELETE FROM {table} WHERE account_id = $1", account_id)
        await uow.execute(
            "UPDATE identity_account SET email = NULL, email_index = NULL, name = NULL,"
            " password = NULL, password_at = NULL, scopes = '{}', deleted_at = $2,"
            " version = version + 1 WHERE id = $1",
            account_id,
            at,
        )

    def _name(self, account_id: UUID, name: str | None) -> bytes | None:
        return None if name is None else self._sealer.seal(_TABLE, "name", account_id, name)

    def _account(self, row: Any) -> Account:
        opened = self._sealer.open
        name = row["name"]
        return Account(
            id=row["id"],
            realm=Realm(row["realm"]),
            email=opened(_TABLE, "email", row["id"], row["email"], str),
            name=None if name is None else opened(_TABLE, "name", row["id"], name, str),
            locale=row["locale"],
            scopes=tuple(row["scopes"]),
            password_at=row["password_at"],
            email_proven_at=row["email_proven_at"],
            disabled_at=row["disabled_at"],
            created_at=row["created_at"],
            version=row["version"],
        )

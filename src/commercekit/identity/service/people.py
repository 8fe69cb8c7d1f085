"""Everything about one person: shown to them, and forgotten when they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from commercekit.identity.models import PersonalFile, Realm
from commercekit.platform.security import AuditEntry

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.identity.providers import PersonalRecords
    from commercekit.identity.service.accounts import Accounts
    from commercekit.identity.service.logins import Logins
    from commercekit.identity.service.sessions import Sessions
    from commercekit.kernel import Clock
    from commercekit.platform.db import Database
    from commercekit.platform.security import AuditPort, Principal

__all__ = ["People"]


class People:
    """Exports and deletions of customers."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        accounts: Accounts,
        sessions: Sessions,
        logins: Logins,
        audit: AuditPort,
    ) -> None:
        self._db = db
        self._clock = clock
        self._accounts = accounts
        self._sessions = sessions
        self._logins = logins
        self._audit = audit
        self._records: list[PersonalRecords] = []

    def keep_in_mind(self, *parts: PersonalRecords) -> None:
        """Have other parts of the shop asked, too; called once, before anybody asks."""
        self._records += parts

    async def export(self, account_id: UUID) -> PersonalFile:
        """Everything the shop keeps about a customer, for the customer."""
        account = await self._accounts.get(account_id, Realm.CUSTOMER)
        parts: dict[str, Any] = {
            "account": {
                "id": account.id,
                "email": account.email,
                "email_proven_at": account.email_proven_at,
                "name": account.name,
                "locale": account.locale,
                "created_at": account.created_at,
            },
            "sessions": await self._sessions.open_ones(Realm.CUSTOMER, account_id),
        }
        for record in self._records:
            parts[record.name] = await record.export(account)
        return PersonalFile(made_at=self._clock.now(), parts=msgspec.to_builtins(parts))

    async def delete(self, principal: Principal, password: str, *, address: str = "") -> None:
        """Forget a customer who proves the password once more; every session ends.

        What the law has the shop keep, such as orders, stays sealed where it is, without a way back to
        the account. Done wholly or not at all.
        """
        await self._logins.prove_again(principal, Realm.CUSTOMER, password, address=address)
        assert principal.account_id is not None  # noqa: S101 - it was proven
        account = await self._accounts.get(principal.account_id, Realm.CUSTOMER)
        async with self._db.unit_of_work() as uow:
            await self._accounts.erase(uow, account.id, because="deleted")
            for record in self._records:
                await record.erase(uow, account)
            entry = AuditEntry(actor=principal.id, action="customers:delete", subject=account.actor)
            await self._audit.record(uow, entry)

"""What people change about their own account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.identity.errors import AccountNotFound
from commercekit.identity.models import Realm
from commercekit.identity.repository import AccountRepository, MailProofRepository
from commercekit.platform.security import AuditEntry

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.identity.models import Account, IssuedSession
    from commercekit.identity.service.logins import Logins
    from commercekit.identity.service.mailing import Mailing
    from commercekit.identity.service.passwords import Passwords
    from commercekit.identity.service.sessions import Sessions
    from commercekit.kernel import Clock
    from commercekit.platform.db import Database
    from commercekit.platform.security import AuditPort, Principal, Sealer

__all__ = ["Profiles"]


class Profiles:
    """Name, language and password of whoever is logged in."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sealer: Sealer,
        passwords: Passwords,
        sessions: Sessions,
        logins: Logins,
        mailing: Mailing,
        audit: AuditPort,
    ) -> None:
        self._db = db
        self._clock = clock
        self._accounts = AccountRepository(db, sealer)
        self._proofs = MailProofRepository(db, sealer)
        self._passwords = passwords
        self._sessions = sessions
        self._logins = logins
        self._mailing = mailing
        self._audit = audit

    async def change(
        self, realm: Realm, account_id: UUID, *, name: str | None, locale: str | None
    ) -> Account:
        """Another name or language; what is ``None`` stays."""
        async with self._db.unit_of_work() as uow:
            account = await self._accounts.lock(uow, account_id, realm)
            if account is None:
                raise AccountNotFound
            wanted = account.name if name is None else " ".join(name.split()) or None
            await self._accounts.set_profile(uow, account_id, wanted, locale or account.locale)
            changed = await self._accounts.get(uow, account_id, realm)
        assert changed is not None  # noqa: S101 - it is locked
        return changed

    async def change_password(
        self, principal: Principal, realm: Realm, current: str, password: str, *, address: str
    ) -> IssuedSession:
        """A new password: every other session ends, this one gets a new cookie, links are void.

        Raises :class:`~commercekit.identity.errors.WrongCredentials` when ``current`` is wrong, and
        :class:`~commercekit.identity.errors.WeakPassword`.
        """
        await self._logins.prove_again(principal, realm, current, address=address)
        account_id, session_id = principal.account_id, principal.session_id
        assert account_id is not None  # noqa: S101 - it was proven
        assert session_id is not None  # noqa: S101 - as above
        known = await self._accounts.get(self._db, account_id, realm)
        about = () if known is None else (known.email, known.name or "")
        await self._passwords.check(password, about=about)
        sealed = await self._passwords.hash(account_id, password)
        now = self._clock.now()
        async with self._db.unit_of_work() as uow:
            account = await self._accounts.lock(uow, account_id, realm)
            if account is None or account.disabled_at is not None:
                raise AccountNotFound
            await self._accounts.set_password(uow, account_id, sealed, now)
            await self._proofs.void(uow, account_id, now)
            await self._sessions.revoke_all(
                uow, account_id, because="password-changed", keep=session_id
            )
            session = await self._sessions.renew(uow, session_id)
            await self._mailing.tell(uow, account, "password-changed")
            entry = AuditEntry(
                actor=account.actor, action="users:change-password", subject=account.actor
            )
            await self._audit.record(uow, entry)
        return session

    async def set_password(self, actor: Principal, account_id: UUID, password: str) -> None:
        """A new password for a member of staff, from the shop's own machine; every session ends.

        Raises :class:`~commercekit.identity.errors.WeakPassword`.
        """
        known = await self._accounts.get(self._db, account_id, Realm.STAFF)
        if known is None:
            raise AccountNotFound
        await self._passwords.check(password, about=(known.email, known.name or ""))
        sealed = await self._passwords.hash(account_id, password)
        now = self._clock.now()
        async with self._db.unit_of_work() as uow:
            account = await self._accounts.lock(uow, account_id, Realm.STAFF)
            if account is None:
                raise AccountNotFound
            await self._accounts.set_password(uow, account_id, sealed, now)
            await self._proofs.void(uow, account_id, now)
            await self._sessions.revoke_all(uow, account_id, because="password-changed")
            await self._mailing.tell(uow, account, "password-changed")
            entry = AuditEntry(
                actor=actor.id, action="users:set-password", subject=f"account/{account_id}"
            )
            await self._audit.record(uow, entry)

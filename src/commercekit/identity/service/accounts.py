"""Accounts: made, asked to join, closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.errors import FieldError, Malformed
from commercekit.identity.errors import (
    AccountNotFound,
    EmailTaken,
    HasJoined,
    LastOwner,
    OwnAccount,
)
from commercekit.identity.models import Account, MailPurpose, NewAccount, Realm, StaffMember
from commercekit.identity.repository import AccountRepository, MailProofRepository, RoleRepository
from commercekit.identity.rules import check_email, check_grant
from commercekit.identity.service.roles import OWNERS_LOCK
from commercekit.kernel import new_id
from commercekit.platform.security import AuditEntry, PermissionBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from commercekit.identity.service.mailing import Mailing
    from commercekit.identity.service.passwords import Passwords
    from commercekit.identity.service.roles import Roles
    from commercekit.identity.service.sessions import Sessions
    from commercekit.kernel import Clock, PageRequest
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import AuditPort, Principal, Sealer

__all__ = ["Accounts"]

_LONGEST_NAME = 200


class Accounts:
    """Who there is, in both realms."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sealer: Sealer,
        passwords: Passwords,
        sessions: Sessions,
        mailing: Mailing,
        roles: Roles,
        audit: AuditPort,
        permissions: PermissionBook,
    ) -> None:
        self._db = db
        self._clock = clock
        self._repository = AccountRepository(db, sealer)
        self._bindings = RoleRepository(db)
        self._roles = roles
        self._proofs = MailProofRepository(db, sealer)
        self._passwords = passwords
        self._sessions = sessions
        self._mailing = mailing
        self._audit = audit
        self._permissions = permissions

    async def get(self, account_id: UUID, realm: Realm) -> Account:
        """An account; raises :class:`~commercekit.identity.errors.AccountNotFound`."""
        account = await self._repository.get(self._db, account_id, realm)
        if account is None:
            message = "There is no such account."
            raise AccountNotFound(message)
        return account

    async def several(self, account_ids: Sequence[UUID], realm: Realm) -> list[Account]:
        """Those of the accounts that there are, newest first."""
        return await self._repository.several(self._db, account_ids, realm)

    async def find(self, realm: Realm, email: str) -> Account | None:
        """The account with this address, if there is one. Never for answers to strangers."""
        return await self._repository.by_email(self._db, realm, email)

    async def list_staff(self, page: PageRequest) -> tuple[list[StaffMember], tuple[str] | None]:
        """Members of staff, newest first, and the place to go on from."""
        found, after = await self._newest(Realm.STAFF, page)
        return [member(each) for each in found], after

    async def list_customers(self, page: PageRequest) -> tuple[list[Account], tuple[str] | None]:
        """Customers, newest first, and the place to go on from."""
        return await self._newest(Realm.CUSTOMER, page)

    async def create_staff(
        self,
        actor: Principal,
        new: NewAccount,
        scopes: Iterable[str] = (),
        *,
        roles: Iterable[str] = (),
        password: str | None = None,
        request_id: str = "",
    ) -> Account:
        """A member of staff who may do what ``actor`` may grant: ``scopes``, and what ``roles`` hold.

        Account and roles are made together or not at all. Without ``password`` they are sent a link by which
        they choose one. Raises :class:`~commercekit.identity.errors.EmailTaken`,
        :class:`~commercekit.identity.errors.RoleNotFound`,
        :class:`~commercekit.identity.errors.ScopeNotHeld` and
        :class:`~commercekit.identity.errors.WeakPassword`.
        """
        email = check_email(new.email)
        granted = self._granted(actor, scopes)
        account = Account(
            id=new_id(),
            realm=Realm.STAFF,
            email=email,
            name=_name(new.name),
            locale=new.locale,
            scopes=tuple(granted),
            password_at=None,
            email_proven_at=None,
            disabled_at=None,
            created_at=self._clock.now(),
            version=1,
        )
        sealed = None
        if password is not None:
            await self._passwords.check(password, about=(email, new.name or ""))
            sealed = await self._passwords.hash(account.id, password)
        async with self._db.unit_of_work() as uow:
            if not await self._repository.insert(uow, account, sealed):
                message = "A member of staff has this address already."
                raise EmailTaken(message)
            await self._record(
                uow, actor, "users:create", account.id, request_id, scopes=" ".join(granted)
            )
            for role in dict.fromkeys(roles):
                await self._roles.give(uow, actor, account.id, role, request_id=request_id)
            if sealed is None:
                await self._mailing.link(uow, account, MailPurpose.INVITE, "staff-invited")
        return account

    async def register(self, new: NewAccount, password: str) -> None:
        """An account for a customer; they log in next.

        An address that has an account already changes nothing, and nothing that the caller can see tells
        it apart. Raises :class:`~commercekit.identity.errors.WeakPassword`.
        """
        email = check_email(new.email)
        await self._passwords.check(password, about=(email, new.name or ""))
        account = Account(
            id=new_id(),
            realm=Realm.CUSTOMER,
            email=email,
            name=_name(new.name),
            locale=new.locale,
            scopes=(),
            password_at=None,
            email_proven_at=None,
            disabled_at=None,
            created_at=self._clock.now(),
            version=1,
        )
        sealed = await self._passwords.hash(account.id, password)
        async with self._db.unit_of_work() as uow:
            await self._repository.insert(uow, account, sealed)
            # Either way; what it says depends on whose account it is by then.
            await self._mailing.ask(uow, "registered", Realm.CUSTOMER, email, account.id)

    async def invite_again(
        self, actor: Principal, account_id: UUID, *, request_id: str = ""
    ) -> None:
        """Send the link to join once more; the ones before work no longer.

        Raises :class:`~commercekit.identity.errors.HasJoined` for whoever has chosen a password.
        """
        async with self._db.unit_of_work() as uow:
            account = await self._staff(uow, account_id)
            if account.password_at is not None:
                message = "They have joined already; they can ask for a new password themselves."
                raise HasJoined(message)
            await self._proofs.void(uow, account_id, self._clock.now())
            await self._mailing.link(uow, account, MailPurpose.INVITE, "staff-invited")
            await self._record(uow, actor, "users:invite", account_id, request_id)

    async def delete_staff(
        self, actor: Principal, account_id: UUID, *, request_id: str = ""
    ) -> None:
        """Delete a member of staff's account: what is personal is gone, what they did stays written."""
        async with self._db.unit_of_work() as uow:
            await uow.lock(OWNERS_LOCK)
            account = await self._staff(uow, account_id)
            _refuse_own(actor, account_id)
            owned = await self._bindings.owners(uow)
            await self.erase(uow, account.id, because="deleted")
            await self._check_owned(uow, owned)
            await self._record(uow, actor, "users:delete", account_id, request_id)

    async def end_sessions(
        self, actor: Principal, account_id: UUID, *, request_id: str = ""
    ) -> int:
        """Log a member of staff out everywhere; gives how many sessions that ended."""
        async with self._db.unit_of_work() as uow:
            await self._staff(uow, account_id)
            ended = await self._sessions.revoke_all(uow, account_id, because="revoked-by-staff")
            await self._record(uow, actor, "users:end-sessions", account_id, request_id)
        return ended

    async def erase(self, uow: UnitOfWork, account_id: UUID, *, because: str) -> None:
        """Take everything personal off an account, and end its sessions and links."""
        now = self._clock.now()
        await self._sessions.revoke_all(uow, account_id, because=because)
        await self._proofs.forget(uow, account_id)
        await self._bindings.forget(uow, account_id)
        await self._repository.erase(uow, account_id, now)

    async def set_disabled(
        self, actor: Principal, account_id: UUID, *, disabled: bool, request_id: str = ""
    ) -> Account:
        """Close a member of staff's account, which ends its sessions at once, or open it again."""
        async with self._db.unit_of_work() as uow:
            if disabled:
                await uow.lock(OWNERS_LOCK)
                _refuse_own(actor, account_id)
            account = await self._staff(uow, account_id)
            if (account.disabled_at is not None) != disabled:
                now = self._clock.now() if disabled else None
                owned = await self._bindings.owners(uow)
                await self._repository.set_disabled(uow, account_id, now)
                if disabled:
                    await self._check_owned(uow, owned)
                    await self._sessions.revoke_all(uow, account_id, because="disabled")
                action = "users:disable" if disabled else "users:enable"
                await self._record(uow, actor, action, account_id, request_id)
        return await self.get(account_id, Realm.STAFF)

    async def _check_owned(self, uow: UnitOfWork, before: int) -> None:
        """Refuse what leaves nobody who could give a role to anybody, where there was somebody."""
        if before and not await self._bindings.owners(uow):
            raise LastOwner

    async def _newest(
        self, realm: Realm, page: PageRequest
    ) -> tuple[list[Account], tuple[str] | None]:
        found = await self._repository.newest(realm, page)
        more = len(found) > page.limit
        found = found[: page.limit]
        return found, (str(found[-1].id),) if more else None

    async def _staff(self, uow: UnitOfWork, account_id: UUID) -> Account:
        account = await self._repository.lock(uow, account_id, Realm.STAFF)
        if account is None:
            message = "There is no such account."
            raise AccountNotFound(message)
        return account

    def _granted(self, actor: Principal, scopes: Iterable[str]) -> list[str]:
        wanted = list(scopes)
        if not wanted:
            # Roles say what they may do.
            return []
        granted = check_grant(actor, wanted)
        for scope in granted:
            if not self._permissions.knows(scope):
                message = self._permissions.unknown(scope)
                place = FieldError("/scopes", "unknown-permission", message)
                raise Malformed(message, errors=(place,))
        return granted

    async def _record(
        self,
        uow: UnitOfWork,
        actor: Principal,
        action: str,
        account_id: UUID,
        request_id: str,
        **details: str,
    ) -> None:
        entry = AuditEntry(
            actor=actor.id,
            action=action,
            subject=f"account/{account_id}",
            request_id=request_id,
            details=details,
        )
        await self._audit.record(uow, entry)


def _refuse_own(actor: Principal, account_id: UUID) -> None:
    if actor.account_id == account_id:
        message = "This is your own account; somebody else has to close it."
        raise OwnAccount(message)


def member(account: Account) -> StaffMember:
    """The account as those see it who look after accounts."""
    return StaffMember(
        id=account.id,
        email=account.email,
        name=account.name,
        scopes=account.scopes,
        is_invited=account.password_at is None,
        disabled_at=account.disabled_at,
        created_at=account.created_at,
        version=account.version,
    )


def _name(text: str | None) -> str | None:
    """A name on one line; ``None`` for an empty one."""
    return (" ".join((text or "").split())[:_LONGEST_NAME]) or None

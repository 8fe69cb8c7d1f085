"""Roles, and who has them within what. Nobody gives what they lack, and somebody always owns the shop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from commercekit.errors import FieldError, Malformed
from commercekit.identity.errors import (
    AccountNotFound,
    BindingNotFound,
    LastOwner,
    OwnRole,
    RoleBuiltIn,
    RoleInUse,
    RoleNotFound,
    RoleTaken,
    ScopeNotHeld,
)
from commercekit.identity.models.roles import NewRole, RoleBinding
from commercekit.identity.repository.roles import RoleRepository
from commercekit.identity.rules.roles import check_limit, check_role_code, limit_of, view_of
from commercekit.kernel import new_id
from commercekit.platform.security import AuditEntry, Grant, RoleView, check_scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from commercekit.identity.models.roles import LimitView
    from commercekit.identity.service.sessions import Sessions
    from commercekit.kernel import Clock
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import (
        AuditPort,
        Limit,
        PermissionBook,
        Principal,
        RoleBook,
    )

__all__ = ["OWNER", "OWNERS_LOCK", "Roles"]

OWNER: Final = "owner"
OWNERS_LOCK: Final = "identity.owners"
"""Held by whatever could leave the shop without an owner, so that two of it do not together."""
_LABEL: Final = 80


class Roles:
    """The roles of the software and of the shop, and all bindings."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sessions: Sessions,
        audit: AuditPort,
        book: RoleBook,
        permissions: PermissionBook,
    ) -> None:
        self._db = db
        self._clock = clock
        self._sessions = sessions
        self._audit = audit
        self._book = book
        self._permissions = permissions
        self._repository = RoleRepository(db)

    async def list_roles(self) -> list[RoleView]:
        """The core's, the plugins', then the shop's own."""
        return [*self._book, *await self._repository.roles()]

    async def create(self, actor: Principal, new: NewRole, *, request_id: str = "") -> RoleView:
        """A role of the shop's own, of permissions that ``actor`` holds everywhere.

        Raises :class:`~commercekit.identity.errors.RoleTaken`,
        :class:`~commercekit.identity.errors.ScopeNotHeld`, and
        :class:`~commercekit.errors.Malformed` for a permission that nothing here asks for.
        """
        self._check(actor, new)
        async with self._db.unit_of_work() as uow:
            taken = self._book.view(new.code) is not None
            if taken or not await self._repository.put(uow, new, self._clock.now()):
                message = f"There is a role {new.code!r} already."
                raise RoleTaken(message)
            await self._record(uow, actor, "roles:create", f"role/{new.code}", request_id, new)
        return _view(new, 1)

    async def change(
        self, actor: Principal, new: NewRole, *, version: int | None = None, request_id: str = ""
    ) -> RoleView:
        """Another set of permissions for a role of the shop's own; who has it has to log in again.

        ``version`` is checked by the caller against what it read; it is not changed in between. Raises
        :class:`~commercekit.identity.errors.OwnRole` when ``actor`` has the role.
        """
        self._check(actor, new)
        async with self._db.unit_of_work() as uow:
            known = await self._own(uow, new.code)
            if version is not None and known.version != version:
                message = f"The role {new.code!r} was changed meanwhile."
                raise RoleTaken(message)
            # Taking away is granting, too, seen from the other side: what it held has to be held.
            self._check_held(actor, known.permissions, None)
            holders = await self._repository.holders(uow, new.code)
            self._check_not_own(actor, holders)
            await self._repository.change(uow, new)
            for account_id in holders:
                await self._sessions.revoke_all(uow, account_id, because="role-changed")
            await self._record(uow, actor, "roles:change", f"role/{new.code}", request_id, new)
        return _view(new, known.version + 1)

    async def remove(self, actor: Principal, code: str, *, request_id: str = "") -> None:
        """Take out a role of the shop's own that nobody has.

        Raises :class:`~commercekit.identity.errors.RoleInUse`.
        """
        async with self._db.unit_of_work() as uow:
            known = await self._own(uow, code)
            self._check_held(actor, known.permissions, None)
            if await self._repository.holders(uow, code):
                message = f"Somebody has the role {code!r}; take it from them first."
                raise RoleInUse(message)
            await self._repository.remove(uow, code)
            await self._record(uow, actor, "roles:delete", f"role/{code}", request_id)

    async def list_bindings(
        self, account_id: UUID | None = None, role: str | None = None
    ) -> list[RoleBinding]:
        """Who has which role."""
        return await self._repository.bindings(account_id, role)

    async def bind(
        self,
        actor: Principal,
        account_id: UUID,
        role: str,
        limit: LimitView | None = None,
        *,
        request_id: str = "",
    ) -> RoleBinding:
        """Give a role; their sessions end, so that the next one begins with what they may do now.

        Giving it twice gives the same. Raises :class:`~commercekit.identity.errors.OwnRole` for one's own
        account, :class:`~commercekit.identity.errors.ScopeNotHeld` for more than one holds oneself, as far
        as one holds it, :class:`~commercekit.identity.errors.RoleNotFound` and
        :class:`~commercekit.identity.errors.AccountNotFound`.
        """
        async with self._db.unit_of_work() as uow:
            binding, is_new = await self.give(
                uow, actor, account_id, role, limit, request_id=request_id
            )
            if is_new:
                await self._sessions.revoke_all(uow, account_id, because="role-changed")
                return binding
        found = await self._repository.bindings(account_id, role)
        return next(each for each in found if each.limit == binding.limit)

    async def give(
        self,
        uow: UnitOfWork,
        actor: Principal,
        account_id: UUID,
        role: str,
        limit: LimitView | None = None,
        *,
        request_id: str = "",
    ) -> tuple[RoleBinding, bool]:
        """The same as a part of a larger change, such as making the account; and whether it is news.

        Nobody is logged out by it: that is the caller's.
        """
        wanted = check_limit(limit)
        held = await self._permissions_of(uow, role)
        self._check_held(actor, held, wanted)
        self._check_not_own(actor, [account_id])
        if not await self._repository.is_staff(uow, account_id):
            message = "There is no such member of staff."
            raise AccountNotFound(message)
        binding = RoleBinding(
            id=new_id(),
            account_id=account_id,
            role=role,
            limit=view_of(wanted),
            created_by=actor.id,
            created_at=self._clock.now(),
        )
        is_new = await self._repository.bind(uow, binding, wanted)
        if is_new:
            await self._tell(uow, actor, "roles:bind", binding, request_id)
        return binding, is_new

    async def unbind(self, actor: Principal, binding_id: UUID, *, request_id: str = "") -> None:
        """Take a role away; their sessions end.

        Raises :class:`~commercekit.identity.errors.LastOwner` when nobody would own the shop any more.
        """
        async with self._db.unit_of_work() as uow:
            await uow.lock(OWNERS_LOCK)
            binding = await self._repository.binding(uow, binding_id)
            if binding is None:
                message = "There is no such binding."
                raise BindingNotFound(message)
            limit = check_limit(binding.limit)
            self._check_held(actor, await self._permissions_of(uow, binding.role), limit)
            self._check_not_own(actor, [binding.account_id])
            await self._repository.unbind(uow, binding_id)
            if binding.role == OWNER and not await self._repository.owners(uow):
                raise LastOwner
            await self._sessions.revoke_all(uow, binding.account_id, because="role-changed")
            await self._tell(uow, actor, "roles:unbind", binding, request_id)

    def grants_of(
        self, bindings: Iterable[tuple[str, str | None, Sequence[str], Sequence[str] | None]]
    ) -> tuple[Grant, ...]:
        """What roles come to: of each its code, the limit's kind and codes, and what the shop's own hold.

        A role that nobody brings any more, such as one of a plugin that was taken out, holds nothing.
        """
        grants = []
        for role, kind, codes, own in bindings:
            permissions = self._book.permissions_of(role)
            if permissions is None:
                permissions = frozenset(own or ())
            if permissions:
                grants.append(Grant(permissions=permissions, limit=limit_of(kind, codes)))
        return tuple(grants)

    def _check(self, actor: Principal, new: NewRole) -> None:
        check_role_code(new.code)
        if not new.label.get("en") or any(len(text) > _LABEL for text in new.label.values()):
            message = f"Call the role something in English (label.en), in at most {_LABEL} letters."
            raise Malformed(message, errors=(FieldError("/label", "invalid", message),))
        if not new.permissions:
            message = "A role holds at least one permission."
            raise Malformed(message, errors=(FieldError("/permissions", "too-short", message),))
        for permission in sorted(new.permissions):
            check_scope(permission)
            if not self._permissions.knows(permission):
                message = self._permissions.unknown(permission)
                place = FieldError("/permissions", "unknown-permission", message)
                raise Malformed(message, errors=(place,))
        self._check_held(actor, new.permissions, None)

    @staticmethod
    def _check_held(actor: Principal, permissions: Iterable[str], limit: Limit | None) -> None:
        for permission in sorted(permissions):
            if not actor.reach(permission).includes(limit):
                message = f"You do not hold {permission} that far, so you cannot give or take it."
                raise ScopeNotHeld(message, scope=permission)

    @staticmethod
    def _check_not_own(actor: Principal, accounts: Iterable[UUID]) -> None:
        if actor.account_id is not None and actor.account_id in accounts:
            message = "Somebody else has to change what you may do."
            raise OwnRole(message)

    async def _own(self, uow: UnitOfWork, code: str) -> RoleView:
        known = await self._repository.role(uow, code)
        if known is None:
            if self._book.view(code) is not None:
                message = f"The role {code!r} comes with the software; make one of your own."
                raise RoleBuiltIn(message)
            message = f"There is no role {code[:64]!r}."
            raise RoleNotFound(message)
        return known

    async def _permissions_of(self, uow: UnitOfWork, role: str) -> Iterable[str]:
        permissions = self._book.permissions_of(role)
        if permissions is not None:
            return permissions
        return (await self._own(uow, role)).permissions

    async def _tell(
        self, uow: UnitOfWork, actor: Principal, action: str, binding: RoleBinding, request_id: str
    ) -> None:
        limit = binding.limit
        within = "everything" if limit is None else " ".join([limit.kind, *limit.codes])
        entry = AuditEntry(
            actor=actor.id,
            action=action,
            subject=f"account/{binding.account_id}",
            request_id=request_id,
            details={"role": binding.role, "within": within},
        )
        await self._audit.record(uow, entry)

    async def _record(
        self,
        uow: UnitOfWork,
        actor: Principal,
        action: str,
        subject: str,
        request_id: str,
        role: NewRole | None = None,
    ) -> None:
        entry = AuditEntry(
            actor=actor.id,
            action=action,
            subject=subject,
            request_id=request_id,
            details={"permissions": " ".join(sorted(role.permissions))} if role else {},
        )
        await self._audit.record(uow, entry)


def _view(role: NewRole, version: int) -> RoleView:
    return RoleView(
        code=role.code,
        label=dict(role.label),
        permissions=sorted(role.permissions),
        origin="shop",
        version=version,
    )

"""Every query about roles and who has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from commercekit.identity.models.roles import RoleBinding
from commercekit.identity.rules.roles import limit_of, view_of
from commercekit.platform.security import RoleView

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from commercekit.identity.models.roles import NewRole
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import Limit

__all__ = ["RoleRepository"]

_BINDING = "id, account_id, role, limit_kind, limit_codes, created_by, created_at"
_OWNERS = """
SELECT count(*) FROM identity_account a
WHERE a.realm = 'staff' AND a.disabled_at IS NULL AND a.deleted_at IS NULL
    AND ('*:*' = ANY (a.scopes) OR EXISTS (
        SELECT FROM identity_role_binding b
        WHERE b.account_id = a.id AND b.role = 'owner' AND b.limit_kind IS NULL))
"""


class RoleRepository:
    """The shop's own roles and all bindings, in PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def roles(self) -> list[RoleView]:
        """The shop's own, by code."""
        rows = await self._db.fetch(
            "SELECT code, label, permissions, version FROM identity_role ORDER BY code"
        )
        return [_role(row) for row in rows]

    async def role(self, uow: UnitOfWork, code: str) -> RoleView | None:
        """One of the shop's own, held until the transaction is over."""
        row = await uow.fetchrow(
            "SELECT code, label, permissions, version FROM identity_role WHERE code = $1 FOR UPDATE",
            code,
        )
        return None if row is None else _role(row)

    async def put(self, uow: UnitOfWork, role: NewRole, now: datetime) -> bool:
        """Add a role; ``False`` when its code is taken."""
        code = await uow.fetchval(
            "INSERT INTO identity_role (code, label, permissions, created_at)"
            " VALUES ($1, $2::jsonb, $3, $4) ON CONFLICT DO NOTHING RETURNING code",
            role.code,
            msgspec.json.encode(role.label).decode(),
            sorted(role.permissions),
            now,
        )
        return code is not None

    async def change(self, uow: UnitOfWork, role: NewRole) -> None:
        """Write what a role is called and what it holds."""
        await uow.execute(
            "UPDATE identity_role SET label = $2::jsonb, permissions = $3, version = version + 1"
            " WHERE code = $1",
            role.code,
            msgspec.json.encode(role.label).decode(),
            sorted(role.permissions),
        )

    async def remove(self, uow: UnitOfWork, code: str) -> None:
        """Take a role out."""
        await uow.execute("DELETE FROM identity_role WHERE code = $1", code)

    async def holders(self, uow: UnitOfWork, code: str) -> list[UUID]:
        """The accounts that have a role."""
        rows = await uow.fetch(
            "SELECT DISTINCT account_id FROM identity_role_binding WHERE role = $1"
            " ORDER BY account_id",
            code,
        )
        return [row["account_id"] for row in rows]

    async def bindings(self, account_id: UUID | None, role: str | None) -> list[RoleBinding]:
        """Who has which role, oldest first."""
        rows = await self._db.fetch(
            f"SELECT {_BINDING} FROM identity_role_binding"
            " WHERE ($1::uuid IS NULL OR account_id = $1) AND ($2::text IS NULL OR role = $2)"
            " ORDER BY id LIMIT 1000",
            account_id,
            role,
        )
        return [_binding(row) for row in rows]

    async def binding(self, uow: UnitOfWork, binding_id: UUID) -> RoleBinding | None:
        """One binding, held until the transaction is over."""
        row = await uow.fetchrow(
            f"SELECT {_BINDING} FROM identity_role_binding WHERE id = $1 FOR UPDATE", binding_id
        )
        return None if row is None else _binding(row)

    async def bind(self, uow: UnitOfWork, binding: RoleBinding, limit: Limit | None) -> bool:
        """Add a binding; ``False`` when the account has it already."""
        made = await uow.fetchval(
            f"INSERT INTO identity_role_binding ({_BINDING}) VALUES ($1, $2, $3, $4, $5, $6, $7)"
            " ON CONFLICT DO NOTHING RETURNING id",
            binding.id,
            binding.account_id,
            binding.role,
            limit.kind if limit else None,
            sorted(limit.values) if limit else [],
            binding.created_by,
            binding.created_at,
        )
        return made is not None

    async def unbind(self, uow: UnitOfWork, binding_id: UUID) -> None:
        """Take a binding away."""
        await uow.execute("DELETE FROM identity_role_binding WHERE id = $1", binding_id)

    async def forget(self, uow: UnitOfWork, account_id: UUID) -> None:
        """Take every role from an account."""
        await uow.execute("DELETE FROM identity_role_binding WHERE account_id = $1", account_id)

    async def is_staff(self, uow: UnitOfWork, account_id: UUID) -> bool:
        """Whether there is such a member of staff."""
        found: bool = await uow.fetchval(
            "SELECT EXISTS (SELECT FROM identity_account WHERE id = $1 AND realm = 'staff'"
            " AND deleted_at IS NULL)",
            account_id,
        )
        return found

    async def owners(self, uow: UnitOfWork) -> int:
        """How many could open every door now."""
        return int(await uow.fetchval(_OWNERS))


def _role(row: Any) -> RoleView:
    return RoleView(
        code=row["code"],
        label=msgspec.json.decode(row["label"]),
        permissions=row["permissions"],
        origin="shop",
        version=row["version"],
    )


def _binding(row: Any) -> RoleBinding:
    return RoleBinding(
        id=row["id"],
        account_id=row["account_id"],
        role=row["role"],
        limit=view_of(limit_of(row["limit_kind"], row["limit_codes"])),
        created_by=row["created_by"],
        created_at=row["created_at"],
    )

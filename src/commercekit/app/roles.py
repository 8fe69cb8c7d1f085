"""The roles that every shop has from the first day on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from commercekit.platform.security import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commercekit.platform.security import PermissionBook

__all__ = ["core_roles"]

_ROLES: Final = (
    Role(
        code="owner",
        label={"en": "Owner", "zh": "店主"},
        permissions=frozenset({"*:*"}),
    ),
    Role(
        code="support",
        label={"en": "Support agent", "zh": "客服"},
        permissions=frozenset(
            {
                "catalog:read", "console:read", "customers:read", "customers:unmask", "fulfilment:read",
                "markets:read", "orders:read", "orders:write", "payments:read", "personal:unmask",
                "prices:read", "promotions:read", "refunds:read", "returns:read", "returns:write",
                "segments:read", "shipments:read", "stock:read",
            }
        ),
    ),
    Role(
        code="purchaser",
        label={"en": "Purchaser", "zh": "采购"},
        permissions=frozenset(
            {
                "catalog:read", "catalog:cost", "catalog:cost-change", "console:read", "markets:read",
                "prices:read", "stock:read", "stock:write",
            }
        ),
    ),
    Role(
        code="marketer",
        label={"en": "Marketer", "zh": "营销"},
        permissions=frozenset(
            {
                "catalog:read", "catalog:write", "console:read", "customers:read", "markets:read",
                "prices:read", "promotions:read", "promotions:write", "purchase-limits:read",
                "purchase-limits:write", "segments:read", "segments:write",
            }
        ),
    ),
    Role(
        code="warehouse",
        label={"en": "Warehouse", "zh": "仓库"},
        permissions=frozenset(
            {
                "catalog:read", "console:read", "orders:read", "personal:show", "returns:read", "returns:write",
                "shipments:read", "shipments:write", "stock:read", "stock:write",
            }
        ),
    ),
    Role(
        code="analyst",
        label={"en": "Analyst", "zh": "分析"},
        permissions=frozenset(
            {
                "catalog:read", "catalog:cost", "console:read", "markets:read", "orders:read",
                "payments:read", "prices:read", "promotions:read", "refunds:read", "returns:read",
                "segments:read", "shipments:read", "stock:read",
            }
        ),
    ),
    Role(
        code="read-only",
        label={"en": "Read only", "zh": "只读"},
        permissions=frozenset({"*:read"}),
    ),
)  # fmt: skip
_OWNERS_ONLY: Final = frozenset({"keys"})


def core_roles(permissions: PermissionBook) -> Iterator[Role]:
    """Them all; a role holds those of its permissions that something in this shop asks for.

    The administrator may do whatever anything asks for, plugins included, and is no owner all the same:
    what is for owners cannot be given away by one who holds every resource by its name.
    """
    resources = sorted({view.scope.partition(":")[0] for view in permissions} - _OWNERS_ONLY)
    administrator = Role(
        code="administrator",
        label={"en": "Administrator", "zh": "管理员"},
        permissions=frozenset(f"{resource}:*" for resource in resources),
    )
    owner, *others = _ROLES
    yield owner
    yield administrator
    for role in others:
        known = frozenset(each for each in role.permissions if permissions.knows(each))
        yield Role(code=role.code, label=role.label, permissions=known)

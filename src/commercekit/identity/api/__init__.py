"""Identity over HTTP."""

from commercekit.identity.api.audit import AdminAudit
from commercekit.identity.api.cookies import CookieSessions
from commercekit.identity.api.me import StoreMe
from commercekit.identity.api.roles import AdminRoleBindings, AdminRoles
from commercekit.identity.api.staff_auth import StaffAuth
from commercekit.identity.api.store_auth import StoreAuth
from commercekit.identity.api.tokens import AdminTokens
from commercekit.identity.api.users import AdminUsers

__all__ = [
    "AdminAudit",
    "AdminRoleBindings",
    "AdminRoles",
    "AdminTokens",
    "AdminUsers",
    "CookieSessions",
    "StaffAuth",
    "StoreAuth",
    "StoreMe",
    "controllers",
]

controllers = (
    AdminAudit,
    AdminRoleBindings,
    AdminRoles,
    AdminTokens,
    AdminUsers,
    StaffAuth,
    StoreAuth,
    StoreMe,
)

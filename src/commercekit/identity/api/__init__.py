"""Identity over HTTP."""

from commercekit.identity.api.audit import AdminAudit
from commercekit.identity.api.captcha import AdminCaptcha, StoreCaptcha
from commercekit.identity.api.cookies import CookieSessions
from commercekit.identity.api.factors import AdminFactors, StoreFactors
from commercekit.identity.api.me import StoreMe
from commercekit.identity.api.resets import AdminResets, StoreResets
from commercekit.identity.api.roles import AdminRoleBindings, AdminRoles
from commercekit.identity.api.staff_auth import StaffAuth
from commercekit.identity.api.store_auth import StoreAuth
from commercekit.identity.api.tokens import AdminTokens
from commercekit.identity.api.users import AdminUsers

__all__ = [
    "AdminAudit",
    "AdminCaptcha",
    "AdminFactors",
    "AdminResets",
    "AdminRoleBindings",
    "AdminRoles",
    "AdminTokens",
    "AdminUsers",
    "CookieSessions",
    "StaffAuth",
    "StoreAuth",
    "StoreCaptcha",
    "StoreFactors",
    "StoreMe",
    "StoreResets",
    "controllers",
]

controllers = (
    AdminAudit,
    AdminRoleBindings,
    AdminRoles,
    AdminCaptcha,
    AdminFactors,
    AdminResets,
    AdminTokens,
    AdminUsers,
    StaffAuth,
    StoreAuth,
    StoreCaptcha,
    StoreFactors,
    StoreMe,
    StoreResets,
)

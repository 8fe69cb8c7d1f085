"""Identity over HTTP."""

from commercekit.identity.api.audit import AdminAudit
from commercekit.identity.api.cookies import CookieSessions
from commercekit.identity.api.staff_auth import StaffAuth
from commercekit.identity.api.store_auth import StoreAuth
from commercekit.identity.api.tokens import AdminTokens

__all__ = ["AdminAudit", "AdminTokens", "CookieSessions", "StaffAuth", "StoreAuth", "controllers"]

controllers = (AdminAudit, AdminTokens, StaffAuth, StoreAuth)

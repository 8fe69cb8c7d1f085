"""Identity over HTTP."""

from commercekit.identity.api.audit import AdminAudit
from commercekit.identity.api.tokens import AdminTokens

__all__ = ["AdminAudit", "AdminTokens"]

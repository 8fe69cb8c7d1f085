"""Use cases of identity."""

from commercekit.identity.service.audit import AuditTrail
from commercekit.identity.service.identity_service import IdentityService
from commercekit.identity.service.watching import LoginWatch, Unwatched

__all__ = [
    "AuditTrail",
    "IdentityService",
    "LoginWatch",
    "Unwatched",
]

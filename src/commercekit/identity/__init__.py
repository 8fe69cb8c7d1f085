"""Who staff are, what they may do, and what they did."""

from commercekit.identity.errors import ExpiryPassed, ScopeNotHeld, TokenNotFound
from commercekit.identity.models import AuditRecord, IssuedToken, NewToken, StaffToken
from commercekit.identity.service import IdentityService

__all__ = [
    "AuditRecord",
    "ExpiryPassed",
    "IdentityService",
    "IssuedToken",
    "NewToken",
    "ScopeNotHeld",
    "StaffToken",
    "TokenNotFound",
]

"""What identity knows, as values."""

from commercekit.identity.models.audit import AuditRecord
from commercekit.identity.models.tokens import IssuedToken, NewToken, StaffToken

__all__ = ["AuditRecord", "IssuedToken", "NewToken", "StaffToken"]

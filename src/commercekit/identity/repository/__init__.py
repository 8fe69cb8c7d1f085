"""Every query of identity."""

from commercekit.identity.repository.audit import AuditRepository
from commercekit.identity.repository.tokens import TokenRepository

__all__ = ["AuditRepository", "TokenRepository"]

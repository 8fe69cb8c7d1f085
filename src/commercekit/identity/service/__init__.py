"""Use cases of identity."""

from commercekit.identity.service.identity_service import IdentityService

__all__ = ["IdentityService"]

"""Every query of identity."""

from commercekit.identity.repository.accounts import AccountRepository
from commercekit.identity.repository.audit import AuditRepository
from commercekit.identity.repository.mail_proofs import MailProof, MailProofRepository
from commercekit.identity.repository.sessions import SessionRepository
from commercekit.identity.repository.tokens import TokenRepository

__all__ = [
    "SEALED_TABLES",
    "AccountRepository",
    "AuditRepository",
    "MailProof",
    "MailProofRepository",
    "SessionRepository",
    "TokenRepository",
]

SEALED_TABLES = (
    "identity_account",
    "identity_session",
    "identity_mail_proof",
    "identity_audit_entry",
)
"""Tables with sealed columns, for the sealer to load its keys."""

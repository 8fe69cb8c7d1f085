"""Every query of identity."""

from commercekit.identity.repository.accounts import AccountRepository
from commercekit.identity.repository.attempts import AttemptRepository
from commercekit.identity.repository.audit import AuditRepository
from commercekit.identity.repository.factors import FactorRepository
from commercekit.identity.repository.mail_proofs import MailProof, MailProofRepository
from commercekit.identity.repository.roles import RoleRepository
from commercekit.identity.repository.sessions import SessionRepository
from commercekit.identity.repository.tokens import TokenRepository
from commercekit.platform.security import SealedTable

__all__ = [
    "SEALED",
    "AccountRepository",
    "AttemptRepository",
    "AuditRepository",
    "FactorRepository",
    "MailProof",
    "MailProofRepository",
    "RoleRepository",
    "SessionRepository",
    "TokenRepository",
]

SEALED = (
    SealedTable("identity_account", ("email", "name", "password")),
    SealedTable("identity_session", ("client",)),
    SealedTable("identity_mail_proof", ("email",)),
    SealedTable("identity_audit_entry", ("seal",), is_kept=True),
    SealedTable("identity_factor", ("secret",)),
)
"""Tables with sealed columns, for the sealer to load its keys."""

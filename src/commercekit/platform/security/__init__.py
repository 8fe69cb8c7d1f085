"""Who is asking, what they may do, who did what, and fields only this shop can read."""

from commercekit.platform.security.audit import AuditEntry, AuditPort
from commercekit.platform.security.guard import (
    AUTHENTICATOR,
    SESSIONS,
    STEP_UP,
    Authenticator,
    MfaRequired,
    SessionReader,
    StepUpRequired,
    cookie_of,
    has_session,
    principal_of,
    requires,
    signed_in,
    whoever,
)
from commercekit.platform.security.invariants import sealed_with
from commercekit.platform.security.keys import MasterKey
from commercekit.platform.security.permissions import (
    Permission,
    PermissionBook,
    PermissionView,
)
from commercekit.platform.security.principal import (
    Principal,
    PrincipalKind,
    check_scope,
    check_scopes,
    covers,
)
from commercekit.platform.security.redacting import find_card_number, redact
from commercekit.platform.security.sealing import SealBroken, Sealer, forget_keys, normalise
from commercekit.platform.security.signing import SignatureScheme, SigningKey

__all__ = [
    "AUTHENTICATOR",
    "SESSIONS",
    "STEP_UP",
    "AuditEntry",
    "AuditPort",
    "Authenticator",
    "MasterKey",
    "MfaRequired",
    "Permission",
    "PermissionBook",
    "PermissionView",
    "Principal",
    "PrincipalKind",
    "SealBroken",
    "Sealer",
    "SessionReader",
    "SignatureScheme",
    "SigningKey",
    "StepUpRequired",
    "check_scope",
    "check_scopes",
    "cookie_of",
    "covers",
    "find_card_number",
    "forget_keys",
    "has_session",
    "normalise",
    "principal_of",
    "redact",
    "requires",
    "sealed_with",
    "signed_in",
    "whoever",
]

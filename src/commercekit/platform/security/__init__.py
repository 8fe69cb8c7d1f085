"""Who is asking, what they may do, who did what, and fields only this shop can read."""

from commercekit.platform.security.access import PUBLIC, Door, door_of, public
from commercekit.platform.security.audit import AuditEntry, AuditPort
from commercekit.platform.security.guard import (
    ACTS,
    AUTHENTICATOR,
    SESSIONS,
    STEP_UP,
    Acts,
    Authenticator,
    MfaRequired,
    SessionReader,
    StepUpRequired,
    cookie_of,
    has_session,
    note_use,
    principal_of,
    reach_of,
    require_fresh,
    requires,
    signed_in,
    whoever,
)
from commercekit.platform.security.invariants import sealed_with
from commercekit.platform.security.keys import KeyRing, LocalKeys, MasterKey, UnwrapRefused
from commercekit.platform.security.permissions import (
    Permission,
    PermissionBook,
    PermissionView,
)
from commercekit.platform.security.principal import Principal, PrincipalKind
from commercekit.platform.security.reach import COMMON, EVERYWHERE, Grant, Limit, LimitKind, Reach
from commercekit.platform.security.redacting import find_card_number, redact
from commercekit.platform.security.reencrypting import Reencryption, TableProgress
from commercekit.platform.security.references import (
    NothingReached,
    ReferencesWithin,
    narrowed,
    narrowed_page,
)
from commercekit.platform.security.roles import Role, RoleBook, RoleView
from commercekit.platform.security.rotating import (
    DataKeyState,
    DataKeyView,
    KeyRotation,
    KeysBusy,
)
from commercekit.platform.security.scopes import check_scope, check_scopes, covers
from commercekit.platform.security.sealed import SealedTable
from commercekit.platform.security.sealing import SealBroken, Sealer, forget_keys, normalise
from commercekit.platform.security.signing import SignatureScheme, SigningKey
from commercekit.platform.security.vaults import KEY_VAULTS, KeyVault, VaultKey, VaultKeys
from commercekit.platform.security.watching import KEYS_CHANNEL, KeyWatch

__all__ = [
    "ACTS",
    "AUTHENTICATOR",
    "COMMON",
    "EVERYWHERE",
    "KEYS_CHANNEL",
    "KEY_VAULTS",
    "PUBLIC",
    "SESSIONS",
    "STEP_UP",
    "Acts",
    "AuditEntry",
    "AuditPort",
    "Authenticator",
    "DataKeyState",
    "DataKeyView",
    "Door",
    "Grant",
    "KeyRing",
    "KeyRotation",
    "KeyVault",
    "KeyWatch",
    "KeysBusy",
    "Limit",
    "LimitKind",
    "LocalKeys",
    "MasterKey",
    "MfaRequired",
    "NothingReached",
    "Permission",
    "PermissionBook",
    "PermissionView",
    "Principal",
    "PrincipalKind",
    "Reach",
    "Reencryption",
    "ReferencesWithin",
    "Role",
    "RoleBook",
    "RoleView",
    "SealBroken",
    "SealedTable",
    "Sealer",
    "SessionReader",
    "SignatureScheme",
    "SigningKey",
    "StepUpRequired",
    "TableProgress",
    "UnwrapRefused",
    "VaultKey",
    "VaultKeys",
    "check_scope",
    "check_scopes",
    "cookie_of",
    "covers",
    "door_of",
    "find_card_number",
    "forget_keys",
    "has_session",
    "narrowed",
    "narrowed_page",
    "normalise",
    "note_use",
    "principal_of",
    "public",
    "reach_of",
    "redact",
    "require_fresh",
    "requires",
    "sealed_with",
    "signed_in",
    "whoever",
]

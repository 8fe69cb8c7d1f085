"""What identity knows, as values."""

from commercekit.identity.models.accounts import (
    Account,
    MailPurpose,
    NewAccount,
    PersonalFile,
    Realm,
    StaffMember,
)
from commercekit.identity.models.audit import (
    AuditBreach,
    AuditFilter,
    AuditHead,
    AuditLink,
    AuditRecord,
    AuditReport,
    ChainedRecord,
)
from commercekit.identity.models.roles import LimitView, NewRole, RoleBinding
from commercekit.identity.models.sessions import (
    ClaimedCart,
    Client,
    FoundSession,
    IssuedSession,
    LoggedIn,
    LoginAttempt,
    SessionView,
)
from commercekit.identity.models.tokens import IssuedToken, NewToken, StaffToken

__all__ = [
    "Account",
    "AuditBreach",
    "AuditFilter",
    "AuditHead",
    "AuditLink",
    "AuditRecord",
    "AuditReport",
    "ChainedRecord",
    "ClaimedCart",
    "Client",
    "FoundSession",
    "IssuedSession",
    "IssuedToken",
    "LimitView",
    "LoggedIn",
    "LoginAttempt",
    "MailPurpose",
    "NewAccount",
    "NewRole",
    "NewToken",
    "PersonalFile",
    "Realm",
    "RoleBinding",
    "SessionView",
    "StaffMember",
    "StaffToken",
]

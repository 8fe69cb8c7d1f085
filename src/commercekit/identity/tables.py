"""Identity's tables as Piccolo sees them; the migration is the truth."""

from __future__ import annotations

from piccolo.columns import (
    UUID,
    Array,
    BigInt,
    Boolean,
    Bytea,
    Integer,
    SmallInt,
    Text,
    Timestamptz,
)
from piccolo.columns.column_types import JSONB
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = [
    "AccountRow",
    "AttemptRow",
    "AuditLane",
    "AuditRow",
    "CaptchaSpentRow",
    "ChallengeRow",
    "FactorRow",
    "MailProofRow",
    "RecoveryCodeRow",
    "RoleBindingRow",
    "RoleRow",
    "SessionRow",
    "StaffToken",
]


class StaffToken(Table, db=ENGINE, tablename="identity_staff_token"):
    """A token for staff or a machine of theirs; only the hash of its secret is here."""

    id = UUID(primary_key=True, default=None)
    handle = Text(unique=True)
    name = Text()
    secret_hash = Bytea()
    scopes = Array(base_column=Text())
    created_by = Text()
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)
    limit_kind = Text(null=True, default=None)
    limit_codes = Array(base_column=Text())


class RoleRow(Table, db=ENGINE, tablename="identity_role"):
    """A role that the shop made for itself."""

    code = Text(primary_key=True, default=None)
    label = JSONB()
    permissions = Array(base_column=Text())
    version = BigInt(default=1)
    created_at = Timestamptz(default=None)


class RoleBindingRow(Table, db=ENGINE, tablename="identity_role_binding"):
    """A role that a member of staff has, everywhere or within a limit."""

    id = UUID(primary_key=True, default=None)
    account_id = UUID(default=None)
    role = Text()
    limit_kind = Text(null=True, default=None)
    limit_codes = Array(base_column=Text())
    created_by = Text()
    created_at = Timestamptz(default=None)


class AuditRow(Table, db=ENGINE, tablename="identity_audit_entry"):
    """One privileged act in its chain. A trigger refuses to change or remove it."""

    id = UUID(primary_key=True, default=None)
    at = Timestamptz(default=None)
    actor = Text()
    action = Text()
    subject = Text()
    reason = Text()
    request_id = Text()
    details = JSONB()
    lane = SmallInt(null=True, default=None)
    number = BigInt(null=True, default=None)
    previous = Bytea(null=True, default=None)
    hash = Bytea(null=True, default=None)
    seal = Bytea(null=True, default=None)


class AuditLane(Table, db=ENGINE, tablename="identity_audit_lane"):
    """Where a chain of entries ends. A trigger lets it go forward only."""

    lane = SmallInt(primary_key=True, default=None)
    number = BigInt(default=0)
    hash = Bytea()


class AccountRow(Table, db=ENGINE, tablename="identity_account"):
    """Somebody who can log in: address, name and password are sealed, and gone once it is deleted."""

    id = UUID(primary_key=True, default=None)
    realm = Text()
    email = Bytea(null=True, default=None)
    email_index = Bytea(null=True, default=None)
    name = Bytea(null=True, default=None)
    locale = Text()
    password = Bytea(null=True, default=None)
    password_at = Timestamptz(null=True, default=None)
    email_proven_at = Timestamptz(null=True, default=None)
    scopes = Array(base_column=Text())
    disabled_at = Timestamptz(null=True, default=None)
    deleted_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=None)
    version = BigInt(default=1)


class SessionRow(Table, db=ENGINE, tablename="identity_session"):
    """A browser that is logged in; only the digest of its cookie is here."""

    id = UUID(primary_key=True, default=None)
    realm = Text()
    account_id = UUID(default=None)
    secret_hash = Bytea(unique=True)
    client = Bytea(null=True, default=None)
    created_at = Timestamptz(default=None)
    seen_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    password_at = Timestamptz(null=True, default=None)
    second_factor = Text(null=True, default=None)
    second_factor_at = Timestamptz(null=True, default=None)
    is_pending = Boolean()
    revoked_at = Timestamptz(null=True, default=None)
    revoked_for = Text(null=True, default=None)


class MailProofRow(Table, db=ENGINE, tablename="identity_mail_proof"):
    """A link that was sent to an address; only the digest of its secret is here."""

    id = UUID(primary_key=True, default=None)
    account_id = UUID(default=None)
    purpose = Text()
    secret_hash = Bytea(unique=True)
    email = Bytea()
    email_index = Bytea()
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    spent_at = Timestamptz(null=True, default=None)


class FactorRow(Table, db=ENGINE, tablename="identity_factor"):
    """A second factor: its seed, public key, number or address is sealed."""

    id = UUID(primary_key=True, default=None)
    account_id = UUID(default=None)
    kind = Text()
    label = Text()
    secret = Bytea()
    credential = Bytea(null=True, default=None, unique=True)
    counter = BigInt(default=-1)
    created_at = Timestamptz(default=None)
    confirmed_at = Timestamptz(null=True, default=None)
    used_at = Timestamptz(null=True, default=None)


class RecoveryCodeRow(Table, db=ENGINE, tablename="identity_recovery_code"):
    """A code on paper; only its argon2id hash is here."""

    hash = Bytea(primary_key=True)
    account_id = UUID(default=None)
    created_at = Timestamptz(default=None)
    spent_at = Timestamptz(null=True, default=None)


class ChallengeRow(Table, db=ENGINE, tablename="identity_challenge"):
    """What a session was asked to prove: the digest of a code, or a device's challenge."""

    id = UUID(primary_key=True, default=None)
    session_id = UUID(default=None)
    account_id = UUID(default=None)
    factor_id = UUID(null=True, default=None)
    kind = Text()
    digest = Bytea()
    target = Bytea(null=True, default=None)
    tries = Integer(default=0)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    spent_at = Timestamptz(null=True, default=None)


class AttemptRow(Table, db=ENGINE, tablename="identity_attempt"):
    """How often somebody was wrong; who, only the shop's key can tell."""

    key = Bytea(primary_key=True)
    tries = Integer()
    last_at = Timestamptz(default=None)
    blocked_until = Timestamptz(null=True, default=None)


class CaptchaSpentRow(Table, db=ENGINE, tablename="identity_captcha_spent"):
    """A captcha that was answered."""

    digest = Bytea(primary_key=True)
    expires_at = Timestamptz(default=None)

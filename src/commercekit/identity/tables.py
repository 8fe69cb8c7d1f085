"""Identity's tables as Piccolo sees them; the migration is the truth."""

from __future__ import annotations

from piccolo.columns import UUID, Array, Bytea, Text, Timestamptz
from piccolo.columns.column_types import JSONB
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["AuditRow", "StaffToken"]


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


class AuditRow(Table, db=ENGINE, tablename="identity_audit_entry"):
    """One privileged act. A trigger refuses to change or remove it."""

    id = UUID(primary_key=True, default=None)
    at = Timestamptz(default=None)
    actor = Text()
    action = Text()
    subject = Text()
    reason = Text()
    request_id = Text()
    details = JSONB()

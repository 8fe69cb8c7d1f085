"""What holds of accounts, sessions, links and the audit trail."""

from __future__ import annotations

from commercekit.platform.db import Invariant
from commercekit.platform.security import sealed_with

__all__ = ["INVARIANTS"]

INVARIANTS = (
    sealed_with("identity_account", "email", "name", "password"),
    sealed_with("identity_session", "client"),
    sealed_with("identity_mail_proof", "email"),
    sealed_with("identity_factor", "secret"),
    Invariant(
        name="deleted-accounts-have-no-second-factor",
        sentence="Of a deleted account no second factor is kept.",
        sql="""
            SELECT f.id, f.account_id FROM identity_factor f
            JOIN identity_account a ON a.id = f.account_id WHERE a.deleted_at IS NOT NULL
            """,
    ),
    Invariant(
        name="closed-accounts-have-no-session",
        sentence="An account that is disabled or deleted has no session that is still open.",
        sql="""
            SELECT s.id, s.account_id FROM identity_session s
            JOIN identity_account a ON a.id = s.account_id
            WHERE s.revoked_at IS NULL AND (a.disabled_at IS NOT NULL OR a.deleted_at IS NOT NULL)
            """,
    ),
    Invariant(
        name="sessions-stay-in-their-realm",
        sentence="A session belongs to the realm of its account.",
        sql="""
            SELECT s.id, s.realm, a.realm AS of_account FROM identity_session s
            JOIN identity_account a ON a.id = s.account_id WHERE a.realm <> s.realm
            """,
    ),
    sealed_with("identity_audit_entry", "seal"),
    Invariant(
        name="audit-chains-end-where-their-heads-say",
        sentence="The last entry of every audit chain is the one that its head names.",
        sql="""
            SELECT l.lane, l.number AS head, last.number AS found
            FROM identity_audit_lane l
            LEFT JOIN LATERAL (
                SELECT e.number, e.hash FROM identity_audit_entry e
                WHERE e.lane = l.lane ORDER BY e.number DESC LIMIT 1
            ) last ON true
            WHERE l.number <> coalesce(last.number, 0)
               OR (l.number > 0 AND l.hash IS DISTINCT FROM last.hash)
            """,
    ),
)

"""What holds of accounts, sessions and links."""

from __future__ import annotations

from commercekit.platform.db import Invariant
from commercekit.platform.security import sealed_with

__all__ = ["INVARIANTS"]

INVARIANTS = (
    sealed_with("identity_account", "email", "name", "password"),
    sealed_with("identity_session", "client"),
    sealed_with("identity_mail_proof", "email"),
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
)

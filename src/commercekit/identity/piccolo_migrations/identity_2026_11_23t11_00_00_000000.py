"""Second factors, what guards logins, and what a captcha was spent on."""

from commercekit.platform.db import sql_migration

ID = "2026-11-23T11:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Second factors, recovery codes, challenges, attempts, spent captchas"

forwards = sql_migration(
    ID,
    app_name="commercekit_identity",
    description=DESCRIPTION,
    forwards=[
        """
        CREATE TABLE identity_factor (
            id            uuid PRIMARY KEY,
            account_id    uuid NOT NULL,
            kind          text NOT NULL CHECK (kind IN ('totp', 'passkey', 'sms', 'email')),
            label         text NOT NULL,
            secret        bytea NOT NULL,
            credential    bytea,
            counter       bigint NOT NULL DEFAULT -1,
            created_at    timestamptz NOT NULL,
            confirmed_at  timestamptz,
            used_at       timestamptz,
            CHECK ((kind = 'passkey') = (credential IS NOT NULL))
        )
        """,
        "CREATE INDEX identity_factor_of ON identity_factor (account_id)",
        """
        CREATE UNIQUE INDEX identity_factor_one ON identity_factor (account_id, kind)
        WHERE kind <> 'passkey' AND confirmed_at IS NOT NULL
        """,
        "CREATE UNIQUE INDEX identity_factor_credential ON identity_factor (credential)",
        """
        CREATE TABLE identity_recovery_code (
            hash        bytea PRIMARY KEY,
            account_id  uuid NOT NULL,
            created_at  timestamptz NOT NULL,
            spent_at    timestamptz
        )
        """,
        "CREATE INDEX identity_recovery_code_of ON identity_recovery_code (account_id)",
        """
        CREATE TABLE identity_challenge (
            id          uuid PRIMARY KEY,
            session_id  uuid NOT NULL,
            account_id  uuid NOT NULL,
            factor_id   uuid,
            kind        text NOT NULL,
            digest      bytea NOT NULL,
            target      bytea,
            tries       integer NOT NULL DEFAULT 0,
            created_at  timestamptz NOT NULL,
            expires_at  timestamptz NOT NULL,
            spent_at    timestamptz
        )
        """,
        "CREATE INDEX identity_challenge_of ON identity_challenge (session_id)",
        "CREATE INDEX identity_challenge_to ON identity_challenge (target, created_at)",
        "CREATE INDEX identity_challenge_end ON identity_challenge (created_at)",
        """
        CREATE TABLE identity_attempt (
            key            bytea PRIMARY KEY,
            tries          integer NOT NULL,
            last_at        timestamptz NOT NULL,
            blocked_until  timestamptz
        )
        """,
        "CREATE INDEX identity_attempt_last ON identity_attempt (last_at)",
        """
        CREATE TABLE identity_captcha_spent (
            digest      bytea PRIMARY KEY,
            expires_at  timestamptz NOT NULL
        )
        """,
        "CREATE INDEX identity_captcha_spent_end ON identity_captcha_spent (expires_at)",
    ],
    backwards=[
        "DROP TABLE identity_captcha_spent",
        "DROP TABLE identity_attempt",
        "DROP TABLE identity_challenge",
        "DROP TABLE identity_recovery_code",
        "DROP TABLE identity_factor",
    ],
)

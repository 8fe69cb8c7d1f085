from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Messages to people, recipients and contents sealed"

FORWARDS = """
CREATE TABLE notifications_message (
    id uuid PRIMARY KEY,
    dedupe_key text NOT NULL UNIQUE,
    channel text NOT NULL CHECK (channel IN ('email', 'sms')),
    template text NOT NULL,
    locale text NOT NULL,
    recipient bytea NOT NULL,
    params bytea NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN
        ('queued', 'sent', 'accepted', 'delivered', 'rejected', 'bounced', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    notifier text,
    failure_code text,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    updated_at timestamptz NOT NULL
);
CREATE INDEX notifications_message_created ON notifications_message (created_at);
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_notifications",
    forwards=FORWARDS,
    backwards="DROP TABLE notifications_message",
    description=DESCRIPTION,
)

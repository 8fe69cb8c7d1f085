"""How facts travel now, since when each consumer is known, and which queues a broker keeps for them."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T00:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Since when consumers are known, the transport in use, queues of a broker"

FORWARDS = (
    """
    ALTER TABLE platform_consumer
        ADD COLUMN known_since timestamptz NOT NULL DEFAULT clock_timestamp()
    """,
    # Which transport was the last to be handed facts: whoever takes over fetches what the other kept.
    """
    CREATE TABLE platform_transport (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        name text NOT NULL,
        since timestamptz NOT NULL DEFAULT now()
    )
    """,
    "INSERT INTO platform_transport (name) VALUES ('in-process')",
    # ``refill``: the queue was missing while its consumer was known; what it lost is fed from the outbox.
    """
    CREATE TABLE platform_queue (
        queue text PRIMARY KEY,
        consumer text NOT NULL,
        declared_at timestamptz NOT NULL DEFAULT now(),
        refill boolean NOT NULL DEFAULT false
    )
    """,
)

BACKWARDS = (
    "DROP TABLE platform_queue",
    "DROP TABLE platform_transport",
    "ALTER TABLE platform_consumer DROP COLUMN known_since",
)

forwards = sql_migration(
    ID,
    app_name="commercekit_bus",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "parcels of the sandbox and what happened to them"

_FORWARDS = """
    CREATE TABLE carrier_sandbox_parcel (
        id uuid PRIMARY KEY,
        number text NOT NULL UNIQUE,
        account text NOT NULL,
        script text NOT NULL,
        service text NOT NULL,
        notify_url text,
        cancelled boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL
    );
    CREATE TABLE carrier_sandbox_scan (
        parcel_id uuid NOT NULL REFERENCES carrier_sandbox_parcel (id),
        position integer NOT NULL CHECK (position >= 0),
        code text NOT NULL,
        place text NOT NULL,
        note text NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (parcel_id, position)
    );
"""
_BACKWARDS = """
    DROP TABLE carrier_sandbox_scan;
    DROP TABLE carrier_sandbox_parcel;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_carrier_sandbox",
    forwards=_FORWARDS,
    backwards=_BACKWARDS,
    description=DESCRIPTION,
)

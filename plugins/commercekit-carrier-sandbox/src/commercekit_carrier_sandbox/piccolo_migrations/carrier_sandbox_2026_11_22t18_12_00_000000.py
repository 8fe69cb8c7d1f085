from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T18:12:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "several parcels in one booking"

_FORWARDS = """
    ALTER TABLE carrier_sandbox_parcel ADD COLUMN booking_id uuid;
    ALTER TABLE carrier_sandbox_parcel ADD COLUMN position integer NOT NULL DEFAULT 1
        CHECK (position > 0);
    UPDATE carrier_sandbox_parcel SET booking_id = id;
    ALTER TABLE carrier_sandbox_parcel ALTER COLUMN booking_id SET NOT NULL;
    CREATE UNIQUE INDEX carrier_sandbox_parcel_of_booking
        ON carrier_sandbox_parcel (booking_id, position);
"""
_BACKWARDS = """
    ALTER TABLE carrier_sandbox_parcel DROP COLUMN booking_id, DROP COLUMN position;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_carrier_sandbox",
    forwards=_FORWARDS,
    backwards=_BACKWARDS,
    description=DESCRIPTION,
)

"""The sandbox's own books; the migrations are the truth about constraints."""

from __future__ import annotations

from piccolo.columns import UUID, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["ParcelRow", "ScanRow"]


class ParcelRow(Table, db=ENGINE, tablename="carrier_sandbox_parcel"):
    """One parcel; no address is kept."""

    id = UUID(primary_key=True)
    booking_id = UUID()
    position = Integer()
    number = Text()
    account = Text()
    script = Text()
    service = Text()
    notify_url = Text(null=True, default=None)
    cancelled = Boolean()
    created_at = Timestamptz()


class ScanRow(Table, db=ENGINE, tablename="carrier_sandbox_scan"):
    """One thing that happened to it."""

    parcel_id = UUID(primary_key=True)
    position = Integer()
    code = Text()
    place = Text()
    note = Text()
    at = Timestamptz()

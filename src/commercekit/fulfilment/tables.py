"""Fulfilment's tables as Piccolo sees them; the migration is the truth."""

from __future__ import annotations

from piccolo.columns import UUID, BigInt, Bytea, Char, Integer, Text, Timestamptz
from piccolo.columns.column_types import JSONB
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = [
    "ParcelLineRow",
    "ParcelRow",
    "ShipmentLineRow",
    "ShipmentRow",
    "TrackEventRow",
    "TrackingNumberRow",
]


class ShipmentRow(Table, db=ENGINE, tablename="fulfilment_shipment"):
    """One booking at a carrier."""

    id = UUID(primary_key=True)
    reference = Text()
    number = Text()
    carrier = Text()
    account = Text()
    carrier_name = Text()
    service = Text()
    status = Text()
    booking = Text()
    asked_at = Timestamptz(null=True, default=None)
    provider_ref = Text(null=True, default=None)
    tracking = JSONB()
    label_url = Text(null=True, default=None)
    failure_code = Text(null=True, default=None)
    declared_amount = BigInt()
    declared_currency = Char(length=3)
    cost_amount = BigInt(null=True, default=None)
    cost_currency = Char(length=3, null=True, default=None)
    address = Bytea()
    created_by = Text()
    created_at = Timestamptz()
    handed_over_at = Timestamptz(null=True, default=None)
    delivered_at = Timestamptz(null=True, default=None)
    version = Integer()


class ShipmentLineRow(Table, db=ENGINE, tablename="fulfilment_line"):
    """What is inside."""

    shipment_id = UUID(primary_key=True)
    line_id = UUID()
    sku = Text()
    quantity = Integer()
    weight_grams = Integer()


class ParcelRow(Table, db=ENGINE, tablename="fulfilment_parcel"):
    """One box."""

    shipment_id = UUID(primary_key=True)
    position = Integer()
    status = Text()
    weight_grams = Integer()
    length_mm = Integer()
    width_mm = Integer()
    height_mm = Integer()
    tracking_number = Text(null=True, default=None)
    delivered_at = Timestamptz(null=True, default=None)
    inspected_at = Timestamptz(null=True, default=None)
    inspected_by = Text(null=True, default=None)
    sent_again_at = Timestamptz(null=True, default=None)
    sent_again_by = Text(null=True, default=None)


class ParcelLineRow(Table, db=ENGINE, tablename="fulfilment_parcel_line"):
    """What is in which box, and what came out of one that came back."""

    shipment_id = UUID(primary_key=True)
    position = Integer()
    line_id = UUID()
    quantity = Integer()
    sellable = Integer(null=True, default=None)
    damaged = Integer(null=True, default=None)


class TrackEventRow(Table, db=ENGINE, tablename="fulfilment_event"):
    """What a carrier, or staff, told about it."""

    shipment_id = UUID(primary_key=True)
    event_key = Text()
    tracking_number = Text()
    code = Text()
    provider_code = Text()
    at = Timestamptz()
    note = Bytea()
    received_at = Timestamptz()
    parcel = Integer(null=True, default=None)


class TrackingNumberRow(Table, db=ENGINE, tablename="fulfilment_tracking_number"):
    """Which shipment a carrier's number belongs to."""

    carrier = Text(primary_key=True)
    number = Text()
    shipment_id = UUID()

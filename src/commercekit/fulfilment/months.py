"""What of a month of shipments, or of shipments for what is of that month, is still open."""

from __future__ import annotations

from commercekit.platform.months import UUID_TEXT, Family, Hold, of_month

__all__ = ["FAMILY"]

_OF_MONTH = f"(s.id >= $1 AND s.id < $2 OR {of_month('s.reference')})"

FAMILY = Family(
    name="fulfilment",
    tables=(
        "fulfilment_shipment",
        "fulfilment_line",
        "fulfilment_event",
        "fulfilment_parcel",
        "fulfilment_parcel_line",
    ),
    aggregates=("shipment",),
    holds=(
        Hold(
            "shipments that have not come to their end",
            f"SELECT s.number FROM fulfilment_shipment s WHERE {_OF_MONTH}"  # noqa: S608 - a constant of this module
            " AND s.status NOT IN ('delivered', 'failed', 'returned', 'cancelled')",
        ),
        Hold(
            "parcels that came back and that nobody has opened",
            "SELECT s.number || '/' || p.position FROM fulfilment_shipment s"  # noqa: S608 - a constant of this module
            " JOIN fulfilment_parcel p ON p.shipment_id = s.id"
            f" WHERE {_OF_MONTH} AND p.status = 'returned' AND p.inspected_at IS NULL",
        ),
        Hold(
            "shipments of something that stays, for it is of a later month",
            "SELECT number FROM fulfilment_shipment WHERE id >= $1 AND id < $2"  # noqa: S608 - a constant of this module
            f" AND reference >= $3::uuid::text AND reference ~ '{UUID_TEXT}'",
        ),
    ),
)
"""Tracking numbers stay, so that late news of a parcel are known to be of one that is archived."""

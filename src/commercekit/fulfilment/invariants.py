"""What holds of shipments."""

from __future__ import annotations

from commercekit.platform.db import Invariant
from commercekit.platform.security import sealed_with

__all__ = ["INVARIANTS"]

INVARIANTS = (
    Invariant(
        name="shipments-hold-goods",
        sentence="Every shipment has at least one line.",
        sql="""
            SELECT id, number, status FROM fulfilment_shipment s
            WHERE NOT EXISTS (SELECT FROM fulfilment_line l WHERE l.shipment_id = s.id)
            """,
    ),
    Invariant(
        name="shipments-have-their-moments",
        sentence="What is on its way was handed over, and what is delivered has its moment.",
        sql="""
            SELECT id, number, status, handed_over_at, delivered_at FROM fulfilment_shipment
            WHERE (status NOT IN ('created', 'cancelled') AND handed_over_at IS NULL)
               OR (status = 'delivered' AND delivered_at IS NULL)
            """,
    ),
    sealed_with("fulfilment_shipment", "address"),
    sealed_with("fulfilment_event", "note"),
)

"""What holds of shipments."""

from __future__ import annotations

from commercekit.platform.db import Invariant
from commercekit.platform.security import sealed_with

__all__ = ["INVARIANTS"]

_RANKS = """ARRAY['created', 'handed_over', 'in_transit', 'out_for_delivery', 'failed', 'delivered',
    'returning', 'returned']"""

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
    Invariant(
        name="parcels-hold-the-shipment",
        sentence="Every unit of a shipment lies in exactly one of its parcels.",
        sql="""
            SELECT l.shipment_id, l.line_id, l.quantity, coalesce(p.packed, 0) AS packed
            FROM fulfilment_line l
            LEFT JOIN (
                SELECT shipment_id, line_id, sum(quantity) AS packed
                FROM fulfilment_parcel_line GROUP BY shipment_id, line_id
            ) p ON p.shipment_id = l.shipment_id AND p.line_id = l.line_id
            WHERE l.quantity <> coalesce(p.packed, 0)
            """,
    ),
    Invariant(
        name="shipments-follow-their-parcels",
        sentence="A shipment is where the one of its parcels is that has come least far.",
        sql=f"""
            SELECT s.id, s.number, s.status, p.status AS parcels
            FROM fulfilment_shipment s
            LEFT JOIN LATERAL (
                SELECT status FROM fulfilment_parcel
                WHERE shipment_id = s.id
                ORDER BY status = 'cancelled', array_position({_RANKS}, status) LIMIT 1
            ) p ON true
            WHERE s.status IS DISTINCT FROM p.status
            """,  # noqa: S608 - a constant of this module
    ),
    Invariant(
        name="inspected-parcels-say-what-was-found",
        sentence="A parcel that came back and was opened says of each line what was found.",
        sql="""
            SELECT p.shipment_id, p.position, p.inspected_at, l.line_id, l.sellable
            FROM fulfilment_parcel p
            JOIN fulfilment_parcel_line l
              ON l.shipment_id = p.shipment_id AND l.position = p.position
            WHERE (p.inspected_at IS NULL) <> (l.sellable IS NULL)
            """,
    ),
    Invariant(
        name="sent-again-is-lost-or-opened",
        sentence="Only what got lost, or came back and was opened, is sent once more.",
        sql="""
            SELECT shipment_id, position, status, inspected_at, sent_again_at
            FROM fulfilment_parcel
            WHERE sent_again_at IS NOT NULL AND inspected_at IS NULL
              AND status IN ('created', 'handed_over', 'in_transit', 'out_for_delivery', 'cancelled')
            """,
    ),
    sealed_with("fulfilment_shipment", "address"),
    sealed_with("fulfilment_event", "note"),
)

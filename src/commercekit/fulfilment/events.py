"""What happened to shipments. Aggregate ``shipment``; every fact carries the reference it is for."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from commercekit.fulfilment.models import ShipmentLine, ShipmentStatus
from commercekit.kernel import DomainEvent

__all__ = [
    "ShipmentCancelled",
    "ShipmentCreated",
    "ShipmentDelivered",
    "ShipmentFact",
    "ShipmentFailed",
    "ShipmentHandedOver",
    "ShipmentReturned",
    "ShipmentTracked",
]


class ShipmentFact(DomainEvent, frozen=True, kw_only=True):
    """What every fact of a shipment says; never published itself."""

    aggregate: ClassVar[str] = "shipment"
    id_field: ClassVar[str] = "shipment_id"

    shipment_id: UUID
    reference: str
    lines: list[ShipmentLine]


class ShipmentCreated(ShipmentFact, frozen=True, kw_only=True):
    """Staff packed something; no carrier has it yet."""


class ShipmentHandedOver(ShipmentFact, frozen=True, kw_only=True):
    """A carrier has it, or is booked to fetch it: the goods have left."""

    carrier: str
    carrier_name: str
    tracking_number: str | None


class ShipmentTracked(ShipmentFact, frozen=True, kw_only=True):
    """The carrier told of progress; the status may be the one it was."""

    status: ShipmentStatus


class ShipmentDelivered(ShipmentFact, frozen=True, kw_only=True):
    """The receiver has it."""

    delivered_at: datetime


class ShipmentFailed(ShipmentFact, frozen=True, kw_only=True):
    """It was lost, or cannot be delivered and does not come back by itself."""


class ShipmentReturned(ShipmentFact, frozen=True, kw_only=True):
    """It came back to us."""


class ShipmentCancelled(ShipmentFact, frozen=True, kw_only=True):
    """It was taken back before it travelled; goods that were handed over are ours again."""

    was_handed_over: bool

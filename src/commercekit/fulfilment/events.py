"""What happened to shipments. Aggregate ``shipment``; every fact carries the reference it is for."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from msgspec import field

from commercekit.fulfilment.models import ShipmentLine, ShipmentStatus
from commercekit.kernel import DomainEvent

__all__ = [
    "ParcelFact",
    "ShipmentAttemptFailed",
    "ShipmentCancelled",
    "ShipmentCreated",
    "ShipmentDelivered",
    "ShipmentFact",
    "ShipmentFailed",
    "ShipmentHandedOver",
    "ShipmentInspected",
    "ShipmentReturned",
    "ShipmentSentAgain",
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


class ParcelFact(ShipmentFact, frozen=True, kw_only=True):
    """Something about some of the parcels: ``lines`` are theirs; it is never published itself."""

    parcels: list[int] = field(default_factory=list)


class ShipmentAttemptFailed(ParcelFact, frozen=True, kw_only=True):
    """The carrier stood at the door and nobody opened; it usually comes again."""

    attempts: int
    """How often it has by now, for the parcel that was tried most often."""


class ShipmentDelivered(ParcelFact, frozen=True, kw_only=True):
    """The receiver has these parcels."""

    delivered_at: datetime
    complete: bool = True
    """Whether no parcel of the shipment is missing any more."""


class ShipmentFailed(ParcelFact, frozen=True, kw_only=True):
    """They were lost, or cannot be delivered and do not come back by themselves."""


class ShipmentReturned(ParcelFact, frozen=True, kw_only=True):
    """They came back to us. What is in them is not stock before somebody looked."""


class ShipmentInspected(ParcelFact, frozen=True, kw_only=True):
    """Staff opened what came back: ``sellable`` of it is stock again, the rest is not."""

    sellable: list[ShipmentLine]
    damaged: list[ShipmentLine]


class ShipmentSentAgain(ParcelFact, frozen=True, kw_only=True):
    """What was in them is to be shipped once more: the units are the order's again."""


class ShipmentCancelled(ShipmentFact, frozen=True, kw_only=True):
    """It was taken back before it travelled; goods that were handed over are ours again."""

    was_handed_over: bool

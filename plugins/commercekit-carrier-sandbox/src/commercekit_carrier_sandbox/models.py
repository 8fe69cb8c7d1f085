"""What the sandbox keeps and says."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from commercekit.fulfilment import TrackCode

__all__ = ["Parcel", "ParcelView", "Push", "PushJob", "Scan"]


class Scan(Struct, frozen=True, kw_only=True):
    """One thing that happened, as the sandbox tells it."""

    id: str
    number: str
    code: TrackCode
    at: datetime
    place: str
    text: str


class Push(Struct, frozen=True, kw_only=True):
    """The body of a notification."""

    id: str
    scans: list[Scan]
    ended: bool


class PushJob(Struct, frozen=True):
    """Which notification a job sends."""

    parcel_id: UUID
    position: int


class Parcel(Struct, frozen=True, kw_only=True):
    """A booked parcel and how far its script has come."""

    id: UUID
    booking_id: UUID
    """The shop's id of the shipment."""
    position: int
    number: str
    account: str
    script: str
    service: str
    notify_url: str | None
    cancelled: bool
    scans: list[Scan]


class ParcelView(Struct, frozen=True, kw_only=True):
    """What anybody who knows the number may see; no address."""

    number: str
    script: str
    service: str
    cancelled: bool
    step: int
    steps: int
    ended: bool
    pushed: bool | None
    """Whether the shop took the last notification; null when nothing was sent now."""
    scans: list[Scan]

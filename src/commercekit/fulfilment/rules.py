"""Pure decisions: how far a parcel has come, whatever order the news arrive in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from commercekit.fulfilment.models import SHIPMENT_STATES, ShipmentStatus
from commercekit.fulfilment.providers import TrackCode, TrackEvent

__all__ = ["FINAL", "event_key", "furthest", "merged"]

_S = ShipmentStatus
_REACHED: dict[TrackCode, ShipmentStatus] = {
    TrackCode.PICKED_UP: _S.HANDED_OVER,
    TrackCode.IN_TRANSIT: _S.IN_TRANSIT,
    TrackCode.CUSTOMS: _S.IN_TRANSIT,
    # A failed attempt or a trouble says that the parcel moves, not where it ends.
    TrackCode.ATTEMPT_FAILED: _S.IN_TRANSIT,
    TrackCode.EXCEPTION: _S.IN_TRANSIT,
    TrackCode.OUT_FOR_DELIVERY: _S.OUT_FOR_DELIVERY,
    TrackCode.AVAILABLE_FOR_PICKUP: _S.OUT_FOR_DELIVERY,
    TrackCode.LOST: _S.FAILED,
    TrackCode.DELIVERED: _S.DELIVERED,
    TrackCode.RETURNING: _S.RETURNING,
    TrackCode.RETURNED: _S.RETURNED,
    TrackCode.CANCELLED: _S.CANCELLED,
}
_RANK: dict[ShipmentStatus, int] = {
    _S.CREATED: 0,
    # What was cancelled and moves all the same was not cancelled: any scan outranks it.
    _S.CANCELLED: 1,
    _S.HANDED_OVER: 2,
    _S.IN_TRANSIT: 3,
    _S.OUT_FOR_DELIVERY: 4,
    _S.FAILED: 5,
    _S.DELIVERED: 6,
    _S.RETURNING: 7,
    _S.RETURNED: 8,
}
FINAL = frozenset({_S.DELIVERED, _S.FAILED, _S.RETURNED, _S.CANCELLED})
"""Nobody asks the carrier about these any more; a push may still change the first two."""


def furthest(codes: Iterable[TrackCode]) -> ShipmentStatus | None:
    """The furthest state any of ``codes`` says was reached; ``None`` when they say nothing of it."""
    reached = [_REACHED[code] for code in codes if code in _REACHED]
    return max(reached, key=lambda status: _RANK[status], default=None)


def merged(current: ShipmentStatus, codes: Iterable[TrackCode]) -> ShipmentStatus:
    """The state after ``codes`` have been heard of, in any order: never behind ``current``."""
    reached = furthest(codes)
    if reached is None or not SHIPMENT_STATES.allows(current, reached):
        return current
    return reached


def event_key(event: TrackEvent) -> str:
    """What tells one event from another: the carrier's id, or a hash of number, time and text."""
    if event.event_id:
        return event.event_id
    text = f"{event.tracking_number}|{event.at.isoformat()}|{event.text}"
    return hashlib.sha256(text.encode()).hexdigest()

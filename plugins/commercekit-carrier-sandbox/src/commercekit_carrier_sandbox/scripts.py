"""What happens to a parcel, step by step. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from commercekit.fulfilment import TrackCode
from commercekit.kernel import Address

__all__ = ["REFUSED", "SCRIPTS", "SILENT", "TIMEOUT", "Step", "script_of"]

REFUSED = "refused"
"""Not a script: the booking itself is refused."""
TIMEOUT = "timeout"
"""Booked, but the first answer gets lost."""
SILENT = "silent"
"""Nothing is pushed: only who asks hears of it."""


class Step(NamedTuple):
    """One scan."""

    code: TrackCode
    place: str
    text: str
    late: timedelta = timedelta()
    """How long before its telling it happened: news that arrive in the wrong order."""


_C = TrackCode
_PICKED_UP = Step(_C.PICKED_UP, "Shanghai", "Picked up from the sender")
_IN_TRANSIT = Step(_C.IN_TRANSIT, "Hangzhou hub", "Left the hub")
_OUT = Step(_C.OUT_FOR_DELIVERY, "Hangzhou West", "Out for delivery")
_DELIVERED = Step(_C.DELIVERED, "Hangzhou West", "Delivered and signed for")
_MISSED = Step(_C.ATTEMPT_FAILED, "Hangzhou West", "Nobody was at home")
_WAY = (_PICKED_UP, _IN_TRANSIT, _OUT, _DELIVERED)

SCRIPTS: Mapping[str, tuple[Step, ...]] = {
    "delivered": _WAY,
    "attempt-failed": (_PICKED_UP, _IN_TRANSIT, _OUT, _MISSED, _OUT, _DELIVERED),
    "lost": (_PICKED_UP, _IN_TRANSIT, Step(_C.LOST, "Hangzhou hub", "The parcel was lost")),
    "returned": (
        _PICKED_UP,
        _IN_TRANSIT,
        _OUT,
        _MISSED,
        Step(_C.RETURNING, "Hangzhou West", "Going back to the sender"),
        Step(_C.RETURNED, "Shanghai", "Back at the sender"),
    ),
    "customs": (
        _PICKED_UP,
        Step(_C.CUSTOMS, "Shanghai Pudong", "Held for customs clearance"),
        _IN_TRANSIT,
        _OUT,
        _DELIVERED,
    ),
    "backwards": (
        _PICKED_UP,
        _OUT,
        _DELIVERED,
        Step(_C.IN_TRANSIT, "Hangzhou hub", "Left the hub", timedelta(hours=6)),
    ),
    "duplicate": _WAY,
    SILENT: _WAY,
    TIMEOUT: _WAY,
}
"""By the word that chooses it; ``duplicate`` tells everything twice."""


def script_of(address: Address) -> str:
    """The first magic word in ``line2`` or ``postcode``; without one the parcel arrives."""
    words = f"{address.line2} {address.postcode}".casefold().split()
    return next((word for word in words if word in SCRIPTS or word == REFUSED), "delivered")

"""Pure decisions: how far a parcel has come, whatever order the news arrive in."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from commercekit.fulfilment.errors import FoundTooMuch, ParcelsUnlikeLines
from commercekit.fulfilment.models import (
    SHIPMENT_STATES,
    FoundLine,
    PackedLine,
    PackedParcel,
    ParcelView,
    ShipmentLine,
    ShipmentProgress,
    ShipmentStatus,
    ShipmentView,
)
from commercekit.fulfilment.providers import TrackCode, TrackEvent, TrackingNo

__all__ = [
    "FINAL",
    "check_found",
    "concerned",
    "event_key",
    "furthest",
    "in_parcels",
    "lines_in",
    "main_number",
    "merged",
    "numbered",
    "packed_as",
    "progress_of",
    "standing",
    "stepped",
]

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
_MAIL = frozenset({_S.CREATED, _S.CANCELLED})


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


def standing(parcels: Iterable[ShipmentStatus]) -> ShipmentStatus:
    """Where a shipment is: where the one of its parcels is that has come least far.

    Parcels only move forwards, so the shipment does too. What was cancelled counts only when nothing
    else is left.
    """
    found = set(parcels)
    moving = found - {_S.CANCELLED}
    return min(moving or found, key=_RANK.__getitem__, default=_S.CREATED)


def concerned(
    parcels: Sequence[ParcelView], tracking_number: str, position: int | None = None
) -> list[int]:
    """Which parcels news are about: the one named, those with the number, else all of them.

    The number of a whole booking, which no parcel bears, speaks of everything under it.
    """
    if position is not None:
        return [position]
    bearing = [each.position for each in parcels if each.tracking_number == tracking_number]
    return bearing or [each.position for each in parcels]


def stepped(
    parcels: Sequence[ParcelView], heard: Mapping[int, Sequence[TrackCode]]
) -> dict[int, ShipmentStatus]:
    """The parcels that stand elsewhere after ``heard``, each with its new state.

    A carrier that takes back one parcel of several takes back none: what it booked is one thing, and
    the others travel. When one parcel has left, none is still being packed.
    """
    after = {each.position: merged(each.status, heard.get(each.position, ())) for each in parcels}
    before = {each.position: each.status for each in parcels}
    if _S.CANCELLED in after.values() and set(after.values()) != {_S.CANCELLED}:
        after = {
            position: before[position] if status is _S.CANCELLED else status
            for position, status in after.items()
        }
    if any(status not in _MAIL for status in after.values()):
        after = {
            position: _S.HANDED_OVER if status is _S.CREATED else status
            for position, status in after.items()
        }
    return {position: status for position, status in after.items() if status != before[position]}


def numbered(tracking: Sequence[TrackingNo], count: int) -> list[str | None]:
    """Which of ``count`` parcels bears which of the carrier's numbers, in the order of the parcels.

    A number that names its parcel is that parcel's. Of the others the children go out in order when
    there are enough of them for the parcels left, else all in order; parcels that get none travel under
    the booking's own number.
    """
    main = main_number(tracking)
    given: dict[int, str] = {
        each.parcel: each.number for each in tracking if each.parcel and each.parcel <= count
    }
    free = [each for each in tracking if each.parcel is None]
    children = [each for each in free if each.parent is not None]
    left = [position for position in range(1, count + 1) if position not in given]
    queue = [each.number for each in (children if len(children) >= len(left) else free)]
    given |= dict(zip(left, queue, strict=False))
    return [given.get(position, main) for position in range(1, count + 1)]


def main_number(tracking: Sequence[TrackingNo]) -> str | None:
    """The number of the booking as a whole."""
    return next((entry.number for entry in tracking if entry.parent is None), None)


def packed_as(
    lines: Sequence[ShipmentLine], parcels: Sequence[PackedParcel] | None
) -> list[PackedParcel]:
    """The parcels to write: one with everything, or ``parcels`` if they hold exactly ``lines``.

    A line named twice in one parcel is there once, with the sum; weights that nobody took come from
    the lines. Raises :class:`~commercekit.fulfilment.errors.ParcelsUnlikeLines` naming what differs.
    """
    if not parcels:
        everything = [PackedLine(line_id=each.line_id, quantity=each.quantity) for each in lines]
        parcels = [PackedParcel(lines=everything)]
    wanted = Counter({each.line_id: each.quantity for each in lines})
    packed: Counter[UUID] = Counter()
    weights = {each.line_id: each.weight_grams for each in lines}
    result = []
    for parcel in parcels:
        inside: Counter[UUID] = Counter()
        for line in parcel.lines:
            inside[line.line_id] += line.quantity
        packed.update(inside)
        weight = sum(weights.get(line_id, 0) * n for line_id, n in inside.items())
        result.append(
            PackedParcel(
                lines=[PackedLine(line_id=line_id, quantity=n) for line_id, n in inside.items()],
                weight_grams=parcel.weight_grams or min(weight, 10_000_000),
                length_mm=parcel.length_mm,
                width_mm=parcel.width_mm,
                height_mm=parcel.height_mm,
                tracking_number=parcel.tracking_number,
            )
        )
    if packed != wanted:
        differing = sorted(
            str(line_id) for line_id in wanted | packed if packed[line_id] != wanted[line_id]
        )
        message = "Every unit that is shipped lies in exactly one parcel."
        raise ParcelsUnlikeLines(message, line_ids=differing)
    return result


def lines_in(shipment: ShipmentView, positions: Iterable[int]) -> list[ShipmentLine]:
    """What lies in these parcels, by line."""
    wanted = set(positions)
    counted: Counter[UUID] = Counter()
    for parcel in shipment.parcels:
        if parcel.position in wanted:
            for line in parcel.lines:
                counted[line.line_id] += line.quantity
    return in_parcels(shipment, counted)


def in_parcels(shipment: ShipmentView, counted: Mapping[UUID, int]) -> list[ShipmentLine]:
    """So many units of the shipment's lines, in their order; none of what is not counted."""
    return [
        ShipmentLine(
            line_id=line.line_id,
            sku=line.sku,
            quantity=counted[line.line_id],
            weight_grams=line.weight_grams,
        )
        for line in shipment.lines
        if counted.get(line.line_id)
    ]


def check_found(parcel: ParcelView, found: Sequence[FoundLine]) -> dict[UUID, tuple[int, int]]:
    """What was found in ``parcel``, by line: how many can be sold again, and how many cannot.

    A line that nobody names came back without any. Raises
    :class:`~commercekit.fulfilment.errors.FoundTooMuch`.
    """
    sent = {line.line_id: line.quantity for line in parcel.lines}
    counted = dict.fromkeys(sent, (0, 0))
    for line in found:
        if line.line_id not in sent:
            message = f"There was no line {line.line_id} in parcel {parcel.position}."
            raise FoundTooMuch(message, line_id=str(line.line_id), sent=0)
        sellable, damaged = counted[line.line_id]
        counted[line.line_id] = (sellable + line.sellable, damaged + line.damaged)
    for line_id, both in counted.items():
        if sum(both) > sent[line_id]:
            message = f"{sum(both)} of line {line_id} were found, {sent[line_id]} were sent."
            raise FoundTooMuch(message, line_id=str(line_id), sent=sent[line_id])
    return counted


def progress_of(shipment: ShipmentView) -> ShipmentProgress:
    """What the receiver may know of ``shipment``."""
    return ShipmentProgress(
        id=shipment.id,
        carrier=shipment.carrier_name or shipment.carrier,
        service=shipment.service,
        status=shipment.status,
        tracking_number=shipment.tracking_number,
        tracking_url=shipment.tracking_url,
        handed_over_at=shipment.handed_over_at,
        delivered_at=shipment.delivered_at,
        lines=shipment.lines,
        parcels=shipment.parcels,
        events=shipment.events,
    )

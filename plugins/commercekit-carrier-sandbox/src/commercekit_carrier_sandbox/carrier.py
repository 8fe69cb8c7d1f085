"""The sandbox as the shop calls it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

import msgspec
from msgspec import Struct

from commercekit.fulfilment import (
    CancelOutcome,
    CancelResult,
    Carrier,
    CarrierCapabilities,
    CreateShipment,
    Label,
    RateQuote,
    RateRequest,
    Shipment,
    ShipmentRef,
    SubscribeResult,
    TrackCode,
    TrackEvent,
    TrackingNo,
    TrackNotification,
    TrackQuery,
)
from commercekit.kernel import Money
from commercekit.platform.providers import (
    Ack,
    ProviderContext,
    ProviderRejected,
    ProviderUnknown,
    RawRequest,
    SignatureInvalid,
)
from commercekit_carrier_sandbox import repository
from commercekit_carrier_sandbox.depot import Depot, parcel_ids, tracking_number
from commercekit_carrier_sandbox.models import Parcel, Push, Scan
from commercekit_carrier_sandbox.scripts import REFUSED, TIMEOUT, script_of
from commercekit_carrier_sandbox.settings import Account
from commercekit_carrier_sandbox.signing import HEADER, verify

if TYPE_CHECKING:
    from commercekit.kernel import Translations

__all__ = ["SandboxCarrier"]

_LABELS = {
    "standard": {"en": "Sandbox standard", "zh": "沙箱标准配送"},
    "express": {"en": "Sandbox express", "zh": "沙箱快速配送"},
}
_DAYS = {"standard": (2, 4), "express": (1, 1)}


class SandboxCarrier(Carrier):
    """Moves no parcel, and otherwise behaves as carriers do."""

    code: ClassVar[str] = "sandbox"
    config_type: ClassVar[type[Struct]] = Account
    capabilities: ClassVar[CarrierCapabilities] = CarrierCapabilities(
        rates=True,
        create=True,
        cancel=True,
        label=True,
        track_poll=True,
        track_push=True,
        multi_parcel=True,
        intl=True,
    )

    def __init__(self, depot: Depot) -> None:
        self._depot = depot

    def service_label(self, ctx: ProviderContext, service: str) -> Translations:
        """In English and Chinese."""
        return _LABELS.get(service) or super().service_label(ctx, service)

    async def rates(self, ctx: ProviderContext, r: RateRequest) -> list[RateQuote]:
        """Two services, everywhere, in any currency."""
        account: Account = ctx.config
        prices = {"standard": account.standard, "express": account.express}
        return [
            RateQuote(
                service=service,
                amount=Money(amount, r.currency),
                min_days=_DAYS[service][0],
                max_days=_DAYS[service][1],
            )
            for service, amount in prices.items()
        ]

    async def create(self, ctx: ProviderContext, r: CreateShipment) -> Shipment:
        """Book; the receiver's ``line2`` or postcode chooses the script."""
        script = script_of(r.receiver.address)
        if script == REFUSED:
            code, message = "address-refused", "the sandbox refuses this address"
            raise ProviderRejected(code, message)
        booking_id = UUID(r.shipment_id)
        ids = parcel_ids(booking_id, max(1, len(r.parcels)))
        first = await repository.insert(
            self._depot.ctx.db,
            booking_id=booking_id,
            parcels=[(parcel_id, tracking_number(parcel_id)) for parcel_id in ids],
            account=ctx.account_id,
            script=script,
            service=r.service or "standard",
            now=ctx.now(),
        )
        if first and script == TIMEOUT:
            code = "timeout"
            raise ProviderUnknown(code)
        found = await self.find(ctx, r.shipment_id)
        if found is None:  # pragma: no cover - it was written above
            raise ProviderUnknown
        return found

    async def find(self, ctx: ProviderContext, shipment_id: str) -> Shipment | None:
        """The booking under our id."""
        parcels = await repository.by_booking(self._depot.ctx.db, UUID(shipment_id))
        return self._shipment(parcels) if parcels else None

    async def cancel(self, ctx: ProviderContext, s: ShipmentRef) -> CancelResult:
        """Possible until the first of its parcels is picked up."""
        booking_id = UUID(s.shipment_id)
        if await repository.cancel(self._depot.ctx.db, booking_id):
            return CancelResult(outcome=CancelOutcome.CANCELLED)
        if await repository.by_booking(self._depot.ctx.db, booking_id):
            return CancelResult(outcome=CancelOutcome.TOO_LATE, code="picked-up")
        # What was never booked need not be taken back.
        return CancelResult(outcome=CancelOutcome.CANCELLED)

    async def label(self, ctx: ProviderContext, s: ShipmentRef, fmt: str) -> Label:
        """Plain text with the numbers on it, a line for each parcel."""
        if fmt != "txt":
            code, message = "format", f"the sandbox prints txt only, not {fmt}"
            raise ProviderRejected(code, message)
        numbers = [each.number for each in s.tracking] or [tracking_number(UUID(s.shipment_id))]
        text = "".join(f"SANDBOX {number}\n" for number in numbers)
        return Label(format="txt", content=text.encode())

    def tracking_url(self, ctx: ProviderContext, t: TrackingNo) -> str | None:
        """The sandbox's own page of the parcel."""
        return self._depot.ctx.url(f"/parcels/{t.number}")

    async def track(self, ctx: ProviderContext, t: TrackQuery) -> list[TrackEvent]:
        """The whole history, whatever was pushed."""
        parcel = await repository.by_number(self._depot.ctx.db, t.number)
        return [] if parcel is None else [_event(scan) for scan in parcel.scans]

    async def subscribe(
        self, ctx: ProviderContext, t: TrackQuery, callback_url: str
    ) -> SubscribeResult:
        """Note where to push."""
        try:
            before = await repository.subscribe(self._depot.ctx.db, t.number, callback_url)
        except LookupError:
            return SubscribeResult.REJECTED
        return SubscribeResult.ALREADY if before == callback_url else SubscribeResult.OK

    async def parse_notification(self, ctx: ProviderContext, req: RawRequest) -> TrackNotification:
        """Verify, then read; nothing is read that is not signed."""
        verify(self._depot.keys(ctx.account_id), req.body, req.header(HEADER), ctx.now())
        try:
            push = msgspec.json.decode(req.body, type=Push)
        except msgspec.DecodeError as error:
            message = "signed, but not understood"
            raise SignatureInvalid(message) from error
        return TrackNotification(
            events=[_event(scan) for scan in push.scans],
            ended=push.ended,
            ack=Ack(body=b"ok"),
            nack=Ack(status=409, body=b"unknown parcel"),
        )

    def _shipment(self, parcels: Sequence[Parcel]) -> Shipment:
        first = parcels[0]
        return Shipment(
            shipment_id=first.booking_id.hex,
            provider_ref=first.number,
            tracking=[
                TrackingNo(
                    number=each.number,
                    carrier=self.code,
                    parent=None if each is first else first.number,
                    parcel=each.position,
                )
                for each in parcels
            ],
            state=TrackCode.CANCELLED if first.cancelled else TrackCode.INFO,
            label=Label(format="html", url=self._depot.ctx.url(f"/parcels/{first.number}")),
        )


def _event(scan: Scan) -> TrackEvent:
    return TrackEvent(
        event_id=scan.id,
        tracking_number=scan.number,
        code=scan.code,
        provider_code=scan.code.upper(),
        at=scan.at,
        place=scan.place,
        text=scan.text,
    )

"""A carrier that keeps its contract, in memory, with a hook for every way to break it."""

from __future__ import annotations

import asyncio
import hmac
import json
from datetime import datetime
from typing import Any, ClassVar

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
    RawRequest,
    SignatureInvalid,
)
from commercekit.platform.settings import Secret
from commercekit.testing.conformance import CarrierContract

__all__ = ["GoodCarrier", "GoodContract"]


class Account(Struct, frozen=True):
    """A key, which nobody may read."""

    key: Secret = Secret("key-of-the-carrier")


class GoodCarrier(Carrier):
    """Does everything a carrier can do."""

    code: ClassVar[str] = "good"
    config_type: ClassVar[type[Struct]] = Account
    capabilities: ClassVar[CarrierCapabilities] = CarrierCapabilities(
        rates=True,
        create=True,
        cancel=True,
        label=True,
        track_poll=True,
        track_push=True,
        multi_parcel=True,
    )

    def __init__(self) -> None:
        self.booked: dict[str, Shipment] = {}
        self.scans: dict[str, list[TrackEvent]] = {}
        self.bookings = 0

    async def rates(self, ctx: ProviderContext, r: RateRequest) -> list[RateQuote]:
        return [RateQuote(service="standard", amount=Money(800, r.currency))]

    async def create(self, ctx: ProviderContext, r: CreateShipment) -> Shipment:
        await asyncio.sleep(0)
        if r.shipment_id not in self.booked:
            self.booked[r.shipment_id] = self.book(r)
        return self.booked[r.shipment_id]

    def book(self, r: CreateShipment) -> Shipment:
        """A new booking, whatever was booked before."""
        self.bookings += 1
        main = f"G{self.bookings:06}"
        return Shipment(
            shipment_id=r.shipment_id,
            provider_ref=main,
            tracking=[
                TrackingNo(
                    number=main if position == 1 else f"{main}-{position}",
                    carrier=self.code,
                    parent=None if position == 1 else main,
                    parcel=position,
                )
                for position in range(1, len(r.parcels) + 1)
            ],
        )

    async def find(self, ctx: ProviderContext, shipment_id: str) -> Shipment | None:
        return self.booked.get(shipment_id)

    async def cancel(self, ctx: ProviderContext, s: ShipmentRef) -> CancelResult:
        if any(self.scans.get(each.number) for each in s.tracking):
            return CancelResult(outcome=CancelOutcome.TOO_LATE)
        return CancelResult(outcome=CancelOutcome.CANCELLED)

    async def label(self, ctx: ProviderContext, s: ShipmentRef, fmt: str) -> Label:
        if fmt != "pdf":
            code = "format"
            raise ProviderRejected(code)
        return Label(format="pdf", content=s.provider_ref.encode())

    def tracking_url(self, ctx: ProviderContext, t: TrackingNo) -> str | None:
        return f"https://good.example/{t.number}"

    async def track(self, ctx: ProviderContext, t: TrackQuery) -> list[TrackEvent]:
        return list(self.scans.get(t.number, []))

    async def subscribe(
        self, ctx: ProviderContext, t: TrackQuery, callback_url: str
    ) -> SubscribeResult:
        return SubscribeResult.OK

    async def parse_notification(self, ctx: ProviderContext, req: RawRequest) -> TrackNotification:
        if not hmac.compare_digest(signature(req.body), req.header("good-signature") or ""):
            reason = "forged"
            raise SignatureInvalid(reason)
        return self.read(req)

    def read(self, req: RawRequest) -> TrackNotification:
        """What a genuine notification says."""
        number = json.loads(req.body)["number"] if req.body else ""
        return TrackNotification(
            events=[self.scan(number, req.received_at)], ack=Ack(body=b"ok"), nack=Ack(status=503)
        )

    def scan(self, number: str, at: datetime) -> TrackEvent:
        """The parcel was picked up."""
        return TrackEvent(
            event_id=f"{number}-1",
            tracking_number=number,
            code=TrackCode.PICKED_UP,
            provider_code="PU",
            at=at,
        )


def signature(body: bytes) -> str:
    """As the vendor signs."""
    return hmac.digest(b"key", body, "sha256").hex()


class GoodContract(CarrierContract):
    """What its plugin's tests would say."""

    async def travel(self, carrier: Any, context: ProviderContext, booked: Shipment) -> bool:
        for each in booked.tracking:
            carrier.scans[each.number] = [carrier.scan(each.number, context.now())]
        return True

    async def notification(
        self, carrier: Carrier, context: ProviderContext, booked: Shipment
    ) -> RawRequest | None:
        body = json.dumps({"number": booked.tracking[0].number}).encode()
        return RawRequest(
            method="POST",
            url="https://shop.test/webhooks/carriers/good/default",
            path="/webhooks/carriers/good/default",
            query=[],
            headers={"good-signature": signature(body)},
            body=body,
            received_at=context.now(),
        )

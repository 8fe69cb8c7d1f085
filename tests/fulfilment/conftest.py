from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest
from msgspec import Struct

from commercekit.fulfilment import (
    CARRIERS,
    SEALED,
    CancelOutcome,
    CancelResult,
    Carrier,
    CarrierCapabilities,
    Carriers,
    FulfilmentService,
    FulfilmentSettings,
    Label,
    RateQuote,
    Shipment,
    ShipmentLine,
    SubscribeResult,
    TrackCode,
    TrackEvent,
    TrackingNo,
    TrackNotification,
)
from commercekit.kernel import Address, Money, new_id
from commercekit.platform.bus import Bus
from commercekit.platform.jobs import Jobs
from commercekit.platform.providers import (
    Ack,
    ProviderContexts,
    ProviderRejected,
    RawRequest,
    SignatureInvalid,
)
from commercekit.platform.security import MasterKey, Sealer
from commercekit.testing import core_piccolo_apps
from tests.guards import patient_guard

ADDRESS = Address(
    name="李雷",
    phone="+8613800138000",
    country="CN",
    region="Zhejiang",
    city="Hangzhou",
    line1="1 West Lake Road",
    postcode="310000",
)


class NoConfig(Struct, frozen=True):
    pass


class FakeCarrier(Carrier):
    """Books in memory, counts calls, and misbehaves when told to."""

    code = "fake"
    config_type = NoConfig
    capabilities = CarrierCapabilities(
        rates=True,
        create=True,
        cancel=True,
        label=True,
        track_poll=True,
        track_push=True,
        multi_parcel=True,
    )

    def __init__(self, code="fake"):
        self.code = code
        self.calls = []
        self.booked = {}
        self.history = []
        self.quotes = [RateQuote(service="standard", amount=Money(800, "CNY"))]
        self.fails = {}
        self.link = "https://fake.test/#"
        self.cancels = CancelOutcome.CANCELLED

    def _called(self, verb):
        self.calls.append(verb)
        if self.fails.get(verb):
            raise self.fails[verb].pop(0)

    async def rates(self, ctx, r):
        self._called("rates")
        return self.quotes

    async def create(self, ctx, r):
        self._called("create")
        self.request = r
        return self._book(r.shipment_id, len(r.parcels))

    def _book(self, shipment_id, parcels=1):
        number = f"F{shipment_id[-8:]}"
        children = [
            TrackingNo(number=f"{number}-{n}", carrier=self.code, parent=number)
            for n in range(2, parcels + 1)
        ]
        return self.booked.setdefault(
            shipment_id,
            Shipment(
                shipment_id=shipment_id,
                provider_ref=f"ref-{number}",
                tracking=[TrackingNo(number=number, carrier=self.code), *children],
                cost=Money(650, "CNY"),
            ),
        )

    async def find(self, ctx, shipment_id):
        self._called("find")
        return self.booked.get(shipment_id)

    async def cancel(self, ctx, s):
        self._called("cancel")
        return CancelResult(outcome=self.cancels)

    async def label(self, ctx, s, fmt):
        self._called("label")
        if fmt != "txt":
            raise ProviderRejected("format")
        return Label(format=fmt, content=" ".join(t.number for t in s.tracking).encode())

    def tracking_url(self, ctx, t):
        return self.link.replace("#", t.number) if self.link else None

    async def track(self, ctx, t):
        self._called("track")
        self.query = t
        return self.history

    async def subscribe(self, ctx, t, callback_url):
        self._called("subscribe")
        self.callback_url = callback_url
        return SubscribeResult.OK

    async def parse_notification(self, ctx, req):
        if req.header("x-signature") != "good":
            raise SignatureInvalid("forged")
        scans = [TrackEvent(**_timed(scan)) for scan in json.loads(req.body)]
        return TrackNotification(events=scans, ack=Ack(body=b"ok"), nack=Ack(status=409))


def _timed(scan):
    from datetime import datetime

    return {**scan, "at": datetime.fromisoformat(scan["at"]), "code": TrackCode(scan["code"])}


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "fulfilment")


@pytest.fixture
def make_carrier():
    return FakeCarrier


@pytest.fixture
def carrier():
    return FakeCarrier()


@pytest.fixture
def address():
    return ADDRESS


@pytest.fixture
async def sealer(database):
    sealer = Sealer(MasterKey(b"k" * 32))
    await sealer.load(database, SEALED)
    return sealer


@pytest.fixture
def told(database):
    """The facts in the outbox, in order, without the package's prefix."""

    async def told():
        rows = await database.fetch("SELECT type FROM platform_outbox ORDER BY position")
        return [row["type"].removeprefix("shipment.Shipment") for row in rows]

    return told


@pytest.fixture
async def jobs(database, clock):
    return Jobs(database, clock)


@pytest.fixture
async def make_service(database, clock, sealer, jobs):
    Bus(database, clock)
    async with httpx.AsyncClient() as http:
        contexts = ProviderContexts(http=http, clock=clock)

        def make(
            *carriers, settings=None, public_url="https://shop.test", deadline=2.0, caller=None
        ):
            settings = settings or FulfilmentSettings()
            caller = caller or patient_guard(CARRIERS, seconds=deadline)
            service = FulfilmentService(
                database,
                clock,
                jobs,
                caller,
                Carriers(carriers, settings, contexts),
                sealer,
                settings,
                public_url=public_url,
            )
            jobs._kinds.clear()
            jobs.register(*service.job_kinds())
            return service

        yield make


@pytest.fixture
def service(make_service, carrier):
    return make_service(carrier)


@pytest.fixture
def lines():
    return [ShipmentLine(line_id=new_id(), sku="SHIRT-M", quantity=2, weight_grams=300)]


@pytest.fixture
def create(database, service, lines):
    """``await create(carrier="fake", service="standard")`` gives a committed shipment."""

    async def create(using=None, *, reference="order-1", **options):
        options.setdefault("lines", lines)
        if "tracking_number" not in options:
            options.setdefault("carrier", "fake")
            options.setdefault("service", "standard")
        async with database.unit_of_work() as uow:
            return await (using or service).create_shipment(
                uow, reference=reference, address=ADDRESS, **options
            )

    return create


@pytest.fixture
def scan(clock):
    def scan(number, code, *, id=None, minutes=0, text="scan"):
        return TrackEvent(
            event_id=id if id is not None else f"{number}-{code}",
            tracking_number=number,
            code=TrackCode(code),
            provider_code=code,
            at=clock.now() + timedelta(minutes=minutes),
            place="Hangzhou",
            text=text,
        )

    return scan


@pytest.fixture
def push(service, clock):
    async def push(events, *, signature="good", account="default", carrier="fake"):
        body = json.dumps(
            [
                {
                    "event_id": event.event_id,
                    "tracking_number": event.tracking_number,
                    "code": event.code,
                    "provider_code": event.provider_code,
                    "at": event.at.isoformat(),
                    "place": event.place,
                    "text": event.text,
                }
                for event in events
            ]
        ).encode()
        request = RawRequest(
            method="POST",
            url="https://shop.test/webhooks/carriers/fake/default",
            path="/webhooks/carriers/fake/default",
            query=[],
            headers={"x-signature": signature},
            body=body,
            received_at=clock.now(),
        )
        return await service.receive_webhook(carrier, account, None, request)

    return push

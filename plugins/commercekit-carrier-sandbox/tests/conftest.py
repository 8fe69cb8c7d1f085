from __future__ import annotations

import httpx
import pytest
import structlog

from commercekit.errors import Unauthenticated
from commercekit.fulfilment import (
    SEALED,
    Carriers,
    FulfilmentService,
    FulfilmentSettings,
    ShipmentLine,
)
from commercekit.kernel import Address, new_id
from commercekit.platform.bus import Bus
from commercekit.platform.jobs import Jobs
from commercekit.platform.plugins import PluginContext
from commercekit.platform.providers import (
    Breaker,
    ProviderCaller,
    ProviderContexts,
    RawRequest,
)
from commercekit.platform.security import MasterKey, Sealer
from commercekit.testing import core_piccolo_apps
from commercekit_carrier_sandbox import plugin
from commercekit_carrier_sandbox.depot import Depot
from commercekit_carrier_sandbox.settings import Settings

BASE = "http://shop.test"


class Shop:
    """Fulfilment and the sandbox on one database, with the notifications carried between them."""

    def __init__(self, database, clock, sealer):
        self.db, self.clock = database, clock
        self.answers = []
        self.requests = []
        self.down = False
        Bus(database, clock)
        self.jobs = Jobs(database, clock)
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._webhook))
        self.ctx = PluginContext(
            code="carrier-sandbox",
            settings=Settings(),
            db=database,
            clock=clock,
            http=self.http,
            sealer=sealer,
            base_url=BASE,
            enqueue=self.jobs.enqueue,
            log=structlog.get_logger(),
        )
        (self.carrier,) = plugin.register_carriers(self.ctx)
        settings = FulfilmentSettings()
        self.fulfilment = FulfilmentService(
            database,
            clock,
            self.jobs,
            ProviderCaller(breaker=lambda: Breaker(limit=1000)),
            Carriers([self.carrier], settings, ProviderContexts(http=self.http, clock=clock)),
            sealer,
            settings,
            public_url=BASE,
        )
        self.jobs.register(*self.fulfilment.job_kinds(), *plugin.register_jobs(self.ctx))
        self.depot = Depot(self.ctx)

    async def _webhook(self, request):
        if self.down:
            raise httpx.ConnectError("refused")
        raw = RawRequest(
            method=request.method,
            url=str(request.url),
            path=request.url.path,
            query=[],
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.content,
            received_at=self.clock.now(),
        )
        self.requests.append(raw)
        _, _, kind, code, account = request.url.path.split("/")
        assert kind == "carriers"
        try:
            ack = await self.fulfilment.receive_webhook(code, account, None, raw)
        except Unauthenticated:
            self.answers.append(401)
            return httpx.Response(401)
        self.answers.append(ack.status)
        return httpx.Response(ack.status, content=ack.body)

    async def send(self, *, line2="", postcode="", service="standard"):
        address = Address(
            name="李雷",
            phone="+8613800138000",
            country="CN",
            city="Hangzhou",
            line1="1 West Lake Road",
            line2=line2,
            postcode=postcode,
        )
        async with self.db.unit_of_work() as uow:
            shipment = await self.fulfilment.create_shipment(
                uow,
                reference="order-1",
                lines=[ShipmentLine(line_id=new_id(), sku="CAP", quantity=1)],
                address=address,
                carrier="sandbox",
                service=service,
            )
        return await self.fulfilment.hand_over(shipment.id)

    async def status(self, shipment):
        return str((await self.fulfilment.shipment(shipment.id)).status)


@pytest.fixture(scope="session")
def piccolo_apps():
    return [
        *core_piccolo_apps("platform", "fulfilment"),
        "commercekit_carrier_sandbox.piccolo_app",
    ]


@pytest.fixture
async def shop(database, clock):
    sealer = Sealer(MasterKey(b"k" * 32))
    await sealer.load(database, SEALED)
    shop = Shop(database, clock, sealer)
    yield shop
    await shop.http.aclose()

from __future__ import annotations

import httpx
import pytest
import pytest_asyncio
import structlog
from litestar import Router

from commercekit.errors import CommerceKitError
from commercekit.kernel import Money, new_id
from commercekit.payments import (
    SEALED,
    CaptureMode,
    Gateways,
    MethodSettings,
    PaymentService,
    PaymentsSettings,
    Redirect,
)
from commercekit.platform.http import FORM_PAGE, build_litestar
from commercekit.platform.jobs import Jobs
from commercekit.platform.plugins import PluginContext
from commercekit.platform.providers import (
    Breaker,
    ProviderCaller,
    ProviderContexts,
    RawRequest,
    SignatureInvalid,
)
from commercekit.platform.security import MasterKey, Sealer
from commercekit.testing import core_piccolo_apps
from commercekit_payment_sandbox.api import routes
from commercekit_payment_sandbox.bank import Bank
from commercekit_payment_sandbox.delivery import Courier
from commercekit_payment_sandbox.gateway import SandboxGateway
from commercekit_payment_sandbox.settings import Settings

BASE = "http://shop.test"


class NobodyAudits:
    async def record(self, uow, entry):
        pass


class Shop:
    """Payments and the sandbox on one database, with the notifications carried between them."""

    def __init__(self, database, clock, sealer):
        self.db = database
        self.clock = clock
        self.jobs = Jobs(database, clock)
        self.answers = []
        self.down = False
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._webhook))
        self.ctx = PluginContext(
            code="payment-sandbox",
            settings=Settings(),
            db=database,
            clock=clock,
            http=self.http,
            sealer=sealer,
            base_url=BASE,
            enqueue=self.jobs.enqueue,
            log=structlog.get_logger(),
        )
        self.bank = Bank(self.ctx)
        self.gateway = SandboxGateway(self.bank)
        courier = Courier(self.ctx, self.bank)
        self.jobs.register(*courier.job_kinds())
        self.payments = PaymentService(
            database,
            clock,
            gateways=Gateways(
                [self.gateway],
                PaymentsSettings(
                    methods={
                        "now": MethodSettings(gateway="sandbox"),
                        "hold": MethodSettings(gateway="sandbox", capture=CaptureMode.MANUAL),
                    }
                ),
                ProviderContexts(http=self.http, clock=clock),
                ProviderCaller(breaker=lambda: Breaker(limit=1000)),
            ),
            sealer=sealer,
            audit=NobodyAudits(),
            base_url=BASE,
        )
        app = build_litestar(
            controllers=[
                Router(
                    "/plugins/payment-sandbox",
                    route_handlers=routes(self.ctx, self.bank, courier),
                    opt=dict(FORM_PAGE),
                )
            ]
        )
        self.browser = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url=BASE, follow_redirects=False
        )
        self.told = []
        database.on_flush(self._hear)

    async def _hear(self, _uow, events):
        self.told.extend(type(event).__name__ for event in events)

    async def _webhook(self, request):
        if self.down:
            self.answers.append(500)
            return httpx.Response(500)
        try:
            ack = await self.payments.receive_notification(
                "sandbox", request.url.path.rsplit("/", 1)[1], self.raw(request)
            )
        except SignatureInvalid:
            self.answers.append(401)
            return httpx.Response(401)
        except CommerceKitError as error:
            self.answers.append(type(error).__name__)
            return httpx.Response(400)
        self.answers.append(ack.status)
        return httpx.Response(ack.status, content=ack.body)

    def raw(self, request):
        return RawRequest(
            method=request.method,
            url=str(request.url),
            path=request.url.path,
            query=[],
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.content,
            received_at=self.clock.now(),
        )

    async def start(self, amount=49_90, *, method="now", locale="en", **options):
        payment_id = new_id()
        await self.db.run(
            lambda uow: self.payments.create_intent(
                uow,
                payment_id=payment_id,
                reference=f"ref-{payment_id.hex[-8:]}",
                amount=Money(amount, "CNY"),
                method=method,
                subject="Order <1001>",
                locale=locale,
                return_url=f"{BASE}/thanks?token=t",
                cancel_url=f"{BASE}/cart",
                **options,
            )
        )
        return await self.payments.start(payment_id)

    async def press(self, payment, action="pay", **fields):
        assert isinstance(payment.action, Redirect)
        return await self.browser.post(payment.action.url, data={"action": action, **fields})

    async def settle(self, seconds=3.0):
        """Run what is due now, then what is due a while later."""
        await self.jobs.run_due()
        self.clock.advance(seconds=seconds)
        await self.jobs.run_due()

    async def of(self, payment):
        return await self.payments.payment(payment.id)

    async def paid(self, amount=49_90, **options):
        payment = await self.start(amount, **options)
        await self.press(payment)
        await self.jobs.run_due()
        return await self.of(payment)

    async def refund(self, payment, amount):
        refund_id = new_id()
        await self.db.run(
            lambda uow: self.payments.create_refund(
                uow,
                refund_id=refund_id,
                payment_id=payment.id,
                amount=Money(amount, "CNY"),
                reason="returned",
            )
        )
        return await self.payments.send_refund(refund_id)

    async def count(self, table):
        return await self.db.fetchval(f"SELECT count(*) FROM payment_sandbox_{table}")

    async def close(self):
        await self.http.aclose()
        await self.browser.aclose()


@pytest.fixture(scope="session")
def piccolo_apps():
    return [*core_piccolo_apps("platform", "payments"), "commercekit_payment_sandbox.piccolo_app"]


@pytest_asyncio.fixture
async def shop(database, clock):
    sealer = Sealer(MasterKey(b"k" * 32))
    await sealer.load(database, SEALED)
    shop = Shop(database, clock, sealer)
    yield shop
    await shop.close()

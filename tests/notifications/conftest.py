from __future__ import annotations

import httpx
import pytest
from msgspec import Struct

from commercekit.notifications import (
    NOTIFIERS,
    SEALED,
    Channel,
    NotificationService,
    NotificationSettings,
    Notifier,
    Outcome,
    Receipt,
    ReceiptNotification,
    ReceiptState,
)
from commercekit.platform.jobs import Jobs
from commercekit.platform.providers import (
    Ack,
    ProviderContexts,
    SignatureInvalid,
)
from commercekit.platform.security import MasterKey, Sealer
from commercekit.testing import core_piccolo_apps
from tests.guards import patient_guard


class NoConfig(Struct, frozen=True):
    pass


class FakeNotifier(Notifier):
    code = "fake"
    config_type = NoConfig
    channels = frozenset({Channel.EMAIL})

    def __init__(self, code="fake", channels=None):
        self.code = code
        self.channels = channels or FakeNotifier.channels
        self.sent = []
        self.outcomes = []

    async def send(self, ctx, message):
        self.sent.append(message)
        outcome = self.outcomes.pop(0) if self.outcomes else Outcome.SENT
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def parse_receipt(self, ctx, req):
        if req.body == b"forged":
            raise SignatureInvalid("forged")
        message_id, state = req.body.decode().split()
        receipt = Receipt(
            message_id=message_id, state=ReceiptState(state), code="554", at=ctx.now()
        )
        return ReceiptNotification(receipts=[receipt], ack=Ack(body=b"ok"), nack=Ack(status=409))


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "notifications")


@pytest.fixture
def make_notifier():
    return FakeNotifier


@pytest.fixture
def notifier():
    return FakeNotifier()


@pytest.fixture
def jobs(database, clock):
    return Jobs(database, clock)


@pytest.fixture
async def make_service(database, clock, jobs):
    sealer = Sealer(MasterKey(b"k" * 32))
    await sealer.load(database, SEALED)
    async with httpx.AsyncClient() as http:
        contexts = ProviderContexts(http=http, clock=clock)

        def make(*notifiers, settings=None):
            caller = patient_guard(NOTIFIERS, seconds=2)
            service = NotificationService(
                database,
                clock,
                jobs,
                caller,
                {each.code: each for each in notifiers},
                sealer,
                settings or NotificationSettings(),
                contexts,
            )
            jobs._kinds.clear()
            jobs.register(*service.job_kinds())
            return service

        yield make


@pytest.fixture
def service(make_service, notifier):
    return make_service(notifier)


@pytest.fixture
def send(database, service):
    async def send(using=None, **options):
        wanted = {
            "template": "order-shipped",
            "to": "han@example.com",
            "locale": "en",
            "params": {"number": "A-1", "carrier": "SF", "tracking_number": "SF1"},
            "dedupe_key": "fact-1",
            **options,
        }
        async with database.unit_of_work() as uow:
            return await (using or service).send(uow, **wanted)

    return send

from __future__ import annotations

import httpx
import pytest
import pytest_asyncio

from commercekit.payments import SEALED, Gateways, PaymentService, PaymentsSettings
from commercekit.platform.providers import ProviderCaller, ProviderContexts
from commercekit.platform.security import MasterKey, Sealer
from commercekit.testing import core_piccolo_apps
from commercekit_payment_cod.gateway import CashOnDelivery


class AuditTrail:
    def __init__(self):
        self.entries = []

    async def record(self, uow, entry):
        self.entries.append(entry)


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "payments")


@pytest.fixture
def audit():
    return AuditTrail()


@pytest_asyncio.fixture
async def payments(database, clock, audit):
    sealer = Sealer(MasterKey(b"k" * 32))
    await sealer.load(database, SEALED)

    async def nobody_listens(_uow, _events):
        pass

    database.on_flush(nobody_listens)
    async with httpx.AsyncClient() as http:
        yield PaymentService(
            database,
            clock,
            gateways=Gateways(
                [CashOnDelivery()],
                PaymentsSettings(),
                ProviderContexts(http=http, clock=clock),
                ProviderCaller(),
            ),
            sealer=sealer,
            audit=audit,
            base_url="https://shop.test",
        )

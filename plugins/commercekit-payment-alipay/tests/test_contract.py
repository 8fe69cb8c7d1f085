"""The gateway keeps the contract of payment gateways: by link, by code, and with certificates."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

import httpx
import msgspec
import pytest

from commercekit.payments import Capabilities, Flow
from commercekit.platform.providers import ProviderContext
from commercekit.testing import ManualClock, provider_context
from commercekit.testing.conformance import PaymentGatewayContract
from commercekit_payment_alipay.fake import FakeAlipay, Identity
from commercekit_payment_alipay.gateway import AlipayGateway
from commercekit_payment_alipay.settings import Account

from .conftest import Commanded


class AlipayContract(PaymentGatewayContract):
    """What this vendor does otherwise than others."""

    replay_window = None  # it signs no time that anybody could hold it to
    verifies_by_secret = False  # one key pair of the vendor's
    tells_of_declines = False  # a wallet: the shop only sees that nobody paid

    @pytest.fixture
    def gateway(self) -> AlipayGateway:
        return AlipayGateway()

    @pytest.fixture
    async def context(
        self, gateway: AlipayGateway, account: Account, fake: FakeAlipay, clock: ManualClock
    ) -> AsyncIterator[ProviderContext]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(fake.answer)) as http:
            yield provider_context(gateway, account, http=http, clock=clock)

    @pytest.fixture
    def vendor(self, fake: FakeAlipay, clock: ManualClock) -> Commanded:
        return Commanded(fake, clock)


class OnlyCodes(AlipayGateway):
    """Has the kit pay by code."""

    capabilities: ClassVar[Capabilities] = msgspec.structs.replace(
        AlipayGateway.capabilities, flows=frozenset({Flow.QR})
    )


class TestByLink(AlipayContract):
    """``alipay.trade.page.pay``."""


class TestByCode(AlipayContract):
    """``alipay.trade.precreate``, with certificates."""

    @pytest.fixture
    def gateway(self) -> AlipayGateway:
        return OnlyCodes()

    @pytest.fixture
    def fake(self, identity: Identity, clock: ManualClock) -> FakeAlipay:
        return FakeAlipay(identity, clock.now, certificates=True)

    @pytest.fixture
    async def context(
        self, gateway: AlipayGateway, certified: Account, fake: FakeAlipay, clock: ManualClock
    ) -> AsyncIterator[ProviderContext]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(fake.answer)) as http:
            yield provider_context(gateway, certified, http=http, clock=clock)

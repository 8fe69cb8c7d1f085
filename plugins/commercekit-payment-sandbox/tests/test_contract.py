"""The sandbox keeps the contract of payment gateways."""

from __future__ import annotations

import json
from typing import ClassVar
from uuid import UUID

import pytest

from commercekit.payments import QrCode, RefundState
from commercekit.platform.providers import RawRequest
from commercekit.testing.conformance import (
    Fault,
    InProcessVendor,
    PaymentGatewayContract,
    VendorBooks,
)
from commercekit_payment_sandbox.disputes import Disputes
from commercekit_payment_sandbox.lies import Liar
from commercekit_payment_sandbox.lying import LyingGateway
from commercekit_payment_sandbox.models import Settle
from commercekit_payment_sandbox.refunds import Refunds
from commercekit_payment_sandbox.scenarios import Lie
from commercekit_payment_sandbox.signing import HEADER, sign


class Bank(InProcessVendor):
    """The sandbox's page, its books and its liar, as the kit commands them."""

    faults: ClassVar = {
        Fault.UNREACHABLE: Lie.UNAVAILABLE,
        Fault.UNHEARD: Lie.UNHEARD,
        Fault.UNANSWERED: Lie.UNANSWERED,
    }

    def __init__(self, shop):
        self.shop = shop

    async def pay(self, asked):
        await self._press(asked, "pay")

    async def decline(self, asked):
        await self._press(asked, "decline")

    async def _press(self, asked, action):
        shown = asked.result.action
        url = shown.text if isinstance(shown, QrCode) else shown.url
        await self.shop.browser.post(url, data={"action": action})

    async def books(self, payment_id):
        charge = await self.shop.bank.charge(UUID(payment_id))
        if charge is None or charge.amount.currency == "XXX":
            return VendorBooks()
        refunds = await self.shop.db.fetch(
            "SELECT amount FROM payment_sandbox_refund WHERE charge_id = $1 AND state <> 'failed'",
            charge.id,
        )
        told = [json.loads(body) for body in await self._told(payment_id)]
        held = charge.amount.amount - charge.captured if charge.state == "authorised" else 0
        return VendorBooks(
            payments=1,
            amount=charge.amount,
            held=held,
            captures=sum(each["kind"] == "payment" and bool(each["captured"]) for each in told),
            captured=charge.captured,
            refunds=len(refunds),
            refunded=charge.refunded,
        )

    async def settle_refund(self, refund_id, *, succeeds):
        refunds = Refunds(self.shop.bank)
        refund = await refunds.past_refund(UUID(refund_id))
        state = RefundState.SUCCEEDED if succeeds else RefundState.FAILED
        await refunds.settle(Settle(refund.charge_id, state.value, refund.id))

    async def dispute(self, asked, state):
        await Disputes(self.shop.bank).bring(UUID(asked.payment_id), state)

    async def notifications(self, payment_id):
        return [self.signed(body) for body in await self._told(payment_id)]

    async def _told(self, payment_id):
        rows = await self.shop.db.fetch(
            "SELECT body FROM payment_sandbox_notification WHERE charge_id = $1 ORDER BY id",
            UUID(payment_id),
        )
        return [row["body"] for row in rows]

    def signed(self, body):
        now = self.shop.clock.now()
        key = self.shop.bank.keys("notify", "default")[0]
        return RawRequest(
            method="POST",
            url="http://shop.test/webhooks/payments/sandbox/default",
            path="/webhooks/payments/sandbox/default",
            query=[],
            headers={"Content-Type": "application/json", HEADER.title(): sign(key, body, now)},
            body=body,
            received_at=now,
        )

    def fail_next(self, fault):
        self.shop.bank.liar.force(self.faults[fault])


class TestSandbox(PaymentGatewayContract):
    speaks_http = False  # its bank lives in the shop's own database

    @pytest.fixture
    def gateway(self, shop):
        shop.bank.liar = Liar()
        return LyingGateway(shop.bank)

    @pytest.fixture
    def vendor(self, shop):
        return Bank(shop)

    @pytest.fixture
    def context(self, shop):
        return shop.payments._desk.gateways.account("sandbox", "default").context

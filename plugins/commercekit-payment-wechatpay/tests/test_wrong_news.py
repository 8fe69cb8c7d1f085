"""What goes wrong with notifications and refunds, by name; no money moves that should not."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from commercekit.kernel import Money
from commercekit.payments import (
    EventKind,
    PaymentState,
    RefundState,
)
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderRejected,
)
from commercekit.testing import ManualClock
from commercekit_payment_wechatpay.fake import MERCHANT


class TestNews:
    """What the vendor tells."""

    async def test_what_the_payer_paid_after_a_coupon_is_not_the_amount(self, shop, fake):
        said = {
            "mchid": MERCHANT,
            "appid": "wxd678efh567hg6787",
            "out_trade_no": "0" * 32,
            "transaction_id": "42",
            "trade_state": "SUCCESS",
            "success_time": "2025-06-15T23:06:39+08:00",
            "amount": {"total": 12345, "payer_total": 10000, "currency": "CNY"},
        }
        event = (await shop.hears(shop.told(fake, "TRANSACTION.SUCCESS", said))).events[0]

        assert event.payment.amount == event.payment.captured == Money(123_45, "CNY")
        assert event.payment.payer_paid == Money(100_00, "CNY")
        assert event.payment.occurred_at == datetime(2025, 6, 15, 15, 6, 39, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("merchant", "app"), [("1900000110", "wxd678efh567hg6787"), (MERCHANT, "wxother")]
    )
    async def test_money_of_another_merchant_or_app_is_not_this_accounts(
        self, shop, fake, merchant, app
    ):
        said = {
            "mchid": merchant,
            "appid": app,
            "out_trade_no": "0" * 32,
            "trade_state": "SUCCESS",
            "amount": {"total": 1},
        }
        event = (await shop.hears(shop.told(fake, "TRANSACTION.SUCCESS", said))).events[0]

        ours = shop.gateway.merchant_account(shop.context.config)
        assert event.merchant_account not in (ours, None)

    async def test_a_refund_of_a_part_is_told_as_this_refund_and_the_payment_stays_paid(
        self, shop, fake
    ):
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        parts = [shop.gives_back(payment, fen) for fen in (1_00, 2_00)]
        for part in parts:
            await shop.refund(part)
            fake.settle(part.refund_id, "SUCCESS")
        events = [(await shop.hears(fake.delivery(each))).events[0] for each in fake.books.news]

        assert [each.kind for each in events] == [EventKind.PAYMENT, *[EventKind.REFUND] * 2]
        assert [each.refund.amount.amount for each in events[1:]] == [1_00, 2_00]
        assert (await shop.query(payment)).state is PaymentState.PAID

    async def test_another_product_on_the_account_is_heard_and_means_nothing(self, shop, fake):
        heard = await shop.hears(shop.told(fake, "PAYSCORE.USER_OPEN_SERVICE", {"x": 1}))

        assert [(each.kind, each.payment, each.refund) for each in heard.events] == [
            (EventKind.INFO, None, None)
        ]
        assert heard.ack.status == 204

    async def test_no_is_said_as_the_vendor_wants_to_hear_it(self, shop, fake):
        heard = await shop.hears(shop.told(fake, "COMPLAINT.CREATE", {"x": 1}))

        assert (heard.nack.status, json.loads(heard.nack.body)["code"]) == (503, "FAIL")

    @pytest.mark.parametrize(
        "broken",
        [
            {"resource": {"algorithm": "NONE", "ciphertext": "", "nonce": "", "x": 1}},
            {"event_type": "REFUND.SUCCESS"},
            {"create_time": "yesterday"},
            {"id": ""},
        ],
    )
    async def test_what_cannot_be_read_is_refused_and_told_again(self, shop, fake, broken):
        said = {"mchid": MERCHANT, "out_trade_no": "0" * 32, "trade_state": "SUCCESS"}

        with pytest.raises(ProviderRejected):
            await shop.hears(shop.told(fake, "TRANSACTION.SUCCESS", said, **broken))

    async def test_a_key_that_was_changed_at_the_vendor_is_reported(
        self, make_shop, make_account, fake
    ):
        from commercekit.platform.settings import Secret

        shop = make_shop(make_account(api_v3_key=Secret("y" * 32)))
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)

        with pytest.raises(ProviderRejected) as refused:
            await shop.hears(shop.last(fake))
        assert "api_v3_key" in refused.value.message

    async def test_a_key_of_the_wrong_length_is_named(self, make_shop, make_account, fake):
        from commercekit.platform.settings import Secret

        shop = make_shop(make_account(api_v3_key=Secret("short")))
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)

        with pytest.raises(ProviderConfigError, match="5 characters instead of 32"):
            await shop.hears(shop.last(fake))


class TestRefunds:
    """Money that goes back."""

    async def paid(self, shop, fake):
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        return payment

    async def test_taken_is_not_done(self, shop, fake):
        refund = shop.gives_back(await self.paid(shop, fake), 49_90)

        assert (await shop.refund(refund)).state is RefundState.PENDING
        fake.settle(refund.refund_id, "SUCCESS")
        assert (await shop.refund(refund)).state is RefundState.SUCCEEDED

    async def test_a_card_that_is_gone_needs_a_person(self, shop, fake):
        refund = shop.gives_back(await self.paid(shop, fake), 49_90)
        await shop.refund(refund)
        fake.settle(refund.refund_id, "ABNORMAL")
        heard = (await shop.hears(shop.last(fake))).events[0].refund

        assert (heard.state, heard.failure_code) == (RefundState.NEEDS_ATTENTION, "abnormal")
        again = await shop.refund(refund)
        assert again.state is RefundState.NEEDS_ATTENTION
        assert len(fake.books.refunds) == 1

    async def test_an_empty_account_fails_the_refund_which_can_be_tried_again(self, shop, fake):
        refund = shop.gives_back(await self.paid(shop, fake), 49_90)
        fake.books.balance = 10_00
        seen = await shop.refund(refund)

        assert (seen.state, seen.failure_code) == (RefundState.FAILED, "not-enough")
        assert fake.books.refunds == {}
        fake.books.balance = 100_00
        assert (await shop.refund(refund)).state is RefundState.PENDING
        assert len(fake.books.refunds) == 1

    async def test_a_closed_refund_goes_out_again_under_its_number(self, shop, fake):
        refund = shop.gives_back(await self.paid(shop, fake), 49_90)
        first = await shop.refund(refund)
        fake.settle(refund.refund_id, "CLOSED")
        again = await shop.refund(msgspec.structs.replace(refund, idempotency_key="again"))

        assert (again.state, again.provider_ref) == (RefundState.PENDING, first.provider_ref)
        assert len(fake.books.refunds) == 1

    async def test_the_fifty_first_part_is_refused(self, shop, fake):
        payment = await self.paid(shop, fake)
        for _ in range(50):
            await shop.refund(shop.gives_back(payment, 10))

        with pytest.raises(ProviderRejected):
            await shop.refund(shop.gives_back(payment, 10))
        assert len(fake.books.refunds) == 50

    async def test_after_a_year_nothing_goes_back(self, shop, fake, clock: ManualClock):
        payment = await self.paid(shop, fake)
        clock.advance(days=366)

        with pytest.raises(ProviderRejected):
            await shop.refund(shop.gives_back(payment, 10))
        assert fake.books.refunds == {}

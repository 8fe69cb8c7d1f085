"""What goes wrong with orders, by name; no money moves that should not."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs

from commercekit.kernel import Money
from commercekit.payments import (
    AppParams,
    Flow,
    JsApi,
    NoAction,
    PaymentState,
    QrCode,
    Redirect,
)
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)
from commercekit.testing import ManualClock
from commercekit_payment_wechatpay.settings import AppIds


class TestOrders:
    """Asking, asking again, closing."""

    async def test_an_order_nobody_met_is_pending_and_never_failed(self, shop):
        seen = await shop.query(shop.asks())

        assert seen.state is PaymentState.PENDING
        assert seen.amount == Money.zero("XXX")

    async def test_asked_again_the_order_is_the_same_to_the_byte(self, shop, wire):
        payment = shop.asks()
        first, again = await shop.create(payment), await shop.create(payment)

        assert first.action == again.action
        assert wire.sent[0].content == wire.sent[1].content

    async def test_an_expired_code_is_renewed_for_the_same_order(
        self, shop, fake, clock: ManualClock
    ):
        payment = shop.asks(expires_at=clock.now() + timedelta(hours=5))
        first = await shop.create(payment)
        clock.advance(hours=2)
        again = await shop.create(payment)

        assert first.action.text != again.action.text
        assert len(fake.books.orders) == 1

    async def test_other_parameters_under_the_same_number_are_refused(self, shop, fake):
        payment = shop.asks()
        await shop.create(payment)
        more = msgspec.structs.replace(payment, amount=Money(1_00, "CNY"))

        with pytest.raises(ProviderRejected) as refused:
            await shop.create(more)
        assert refused.value.code == "INVALID_REQUEST"
        assert fake.books.orders[payment.payment_id].total == 49_90

    @pytest.mark.parametrize("paid", [True, False])
    async def test_asked_for_again_after_its_end_it_says_how_it_ended(self, shop, fake, paid):
        payment = shop.asks()
        await shop.create(payment)
        if paid:
            fake.pay(payment.payment_id)
        else:
            await shop.close(payment)
        again = await shop.create(payment)

        assert again.snapshot.state is (PaymentState.PAID if paid else PaymentState.CLOSED)
        assert isinstance(again.action, NoAction)

    async def test_a_code_that_two_people_scan_is_paid_once(self, shop, fake):
        payment = shop.asks()
        await shop.create(payment)

        assert fake.pay(payment.payment_id)
        assert not fake.pay(payment.payment_id)
        assert [each.event_type for each in fake.books.news] == ["TRANSACTION.SUCCESS"]

    async def test_closing_what_was_paid_meanwhile_says_paid(self, shop, fake):
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        seen = await shop.close(payment)

        assert seen.state is PaymentState.PAID
        assert seen.captured == payment.amount

    async def test_a_closed_order_cannot_be_paid(self, shop, fake):
        payment = shop.asks()
        await shop.create(payment)

        assert (await shop.close(payment)).state is PaymentState.CLOSED
        assert not fake.pay(payment.payment_id)
        assert (await shop.query(payment)).state is PaymentState.CLOSED

    async def test_an_order_of_another_number_in_the_answer_is_believed_by_nobody(
        self, shop, fake, wire
    ):
        mine, theirs = shop.asks(), shop.asks()
        for payment in (mine, theirs):
            await shop.create(payment)
        fake.pay(theirs.payment_id)
        wire.answers = [fake.answer(await _query_of(shop, wire, theirs))]

        with pytest.raises(ProviderUnknown):
            await shop.query(mine)

    async def test_no_answer_is_unknown_and_the_question_tells_the_truth(self, shop, fake, wire):
        payment = shop.asks()
        wire.answers = [httpx.ReadTimeout("silence")]

        with pytest.raises(ProviderUnknown):
            await shop.create(payment)
        assert (await shop.query(payment)).state is PaymentState.PENDING
        assert isinstance((await shop.create(payment)).action, QrCode)

    async def test_system_error_is_unknown_and_not_failed(self, shop, fake, wire):
        error = json.dumps({"code": "SYSTEM_ERROR", "message": "系统错误"}).encode()
        headers = fake.signed(error, "https://x.test/").headers
        for refund in (False, True):
            wire.answers = [httpx.Response(500, content=error, headers=headers)]
            payment = shop.asks()
            with pytest.raises(ProviderUnknown) as unknown:
                if refund:
                    await shop.refund(shop.gives_back(payment, 1))
                else:
                    await shop.create(payment)
            assert unknown.value.code == "SYSTEM_ERROR"

    async def test_a_refusal_that_somebody_altered_is_believed_by_nobody(self, shop, fake, wire):
        error = json.dumps({"code": "ORDER_NOT_EXIST"}).encode()
        headers = fake.signed(error + b" ", "https://x.test/").headers
        wire.answers = [httpx.Response(404, content=error, headers=headers)]

        with pytest.raises(ProviderUnknown):
            await shop.close(shop.asks())

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (httpx.Response(404, json={"message": "no Route matched"}), ProviderUnknown),
            (httpx.Response(404, text="<html>"), ProviderUnknown),
            (httpx.Response(302, headers={"location": "https://login.test/"}), ProviderUnknown),
            (httpx.Response(400, content=b"[" * 100_000), ProviderUnknown),
            (httpx.Response(403, text="<html>"), ProviderConfigError),
            (httpx.Response(429, text="slow down"), ProviderUnavailable),
        ],
    )
    async def test_what_something_in_between_says_is_not_the_vendors_no(
        self, shop, wire, answer, kind
    ):
        wire.answers = [answer]

        with pytest.raises(kind) as told_as:
            await shop.close(shop.asks())
        assert type(told_as.value) is kind

    async def test_an_answer_that_nobody_signed_is_unknown(self, shop, fake, wire):
        wire.answers = [httpx.Response(200, json={"code_url": "weixin://wxpay/bizpayurl?pr=evil"})]

        with pytest.raises(ProviderUnknown):
            await shop.create(shop.asks())

    async def test_nothing_is_sent_as_null(self, shop, fake, wire):
        payment = shop.asks(expires_at=None, payer_ref=None, customer_ip=None, return_url=None)
        await shop.create(payment)

        assert "null" not in wire.sent[0].content.decode()
        assert list(fake.books.orders) == [payment.payment_id]

    async def test_an_address_with_a_query_is_refused_before_it_is_sent(self, shop, wire):
        for url in ("https://shop.test/hook?x=1", "https://shop.test/hook#x"):
            with pytest.raises(ProviderRejected):
                await shop.create(shop.asks(notify_url=url))
        assert wire.sent == []

    async def test_a_long_subject_in_chinese_is_cut_between_letters(self, shop, fake):
        payment = shop.asks(subject="订单" * 60)
        await shop.create(payment)
        said = fake.books.orders[payment.payment_id].description

        assert said == ("订单" * 60)[:42]
        assert len(said.encode()) <= 127

    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (400, "PARAM_ERROR", ProviderRejected),
            (400, "APPID_MCHID_NOT_MATCH", ProviderConfigError),
            (401, "SIGN_ERROR", ProviderConfigError),
            (403, "NO_AUTH", ProviderConfigError),
            (403, "NOAUTH", ProviderConfigError),
            (403, "RULELIMIT", ProviderRejected),
            (429, "FREQUENCY_LIMITED", ProviderUnavailable),
            (500, "BANKERROR", ProviderUnknown),
            (500, "OPENID_MISMATCH", ProviderRejected),
            (403, "NEVER_SEEN", ProviderConfigError),
            (418, "NEVER_SEEN", ProviderRejected),
            (503, "NEVER_SEEN", ProviderUnknown),
        ],
    )
    async def test_codes_are_told_as_the_table_says(self, shop, fake, wire, status, code, kind):
        error = json.dumps({"code": code, "message": "…"}).encode()
        headers = fake.signed(error, "https://x.test/").headers
        wire.answers = [httpx.Response(status, content=error, headers=headers)]

        with pytest.raises(kind) as told_as:
            await shop.create(shop.asks())
        assert type(told_as.value) is kind


class TestFlows:
    """What the shopper gets."""

    async def test_a_page_in_wechat_needs_the_openid(self, shop, wire):
        with pytest.raises(ProviderRejected) as refused:
            await shop.create(shop.asks(flow=Flow.JSAPI, payer_ref=None))
        assert refused.value.code == "payer-ref-missing"
        assert wire.sent == []

    async def test_a_browser_on_a_phone_needs_the_shoppers_address(self, shop, wire):
        with pytest.raises(ProviderRejected) as refused:
            await shop.create(shop.asks(flow=Flow.H5, customer_ip=None))
        assert refused.value.code == "customer-ip-missing"
        assert wire.sent == []

    @pytest.mark.parametrize(
        ("address", "warned"),
        [("127.0.0.1", 1), ("10.0.0.9", 1), ("203.0.114.7", 0), ("nonsense", 1)],
    )
    async def test_a_proxy_in_place_of_every_shopper_is_noticed(self, shop, address, warned):
        with capture_logs() as logs:
            await shop.create(shop.asks(flow=Flow.H5, customer_ip=address))

        assert len([each for each in logs if each["log_level"] == "warning"]) == warned
        assert address not in str(logs)

    async def test_it_leads_back_to_the_shop(self, shop, wire):
        action = (await shop.create(shop.asks(flow=Flow.H5))).action

        assert isinstance(action, Redirect)
        address = httpx.URL(action.url)
        assert address.params["redirect_url"] == "https://shop.test/thanks?order=1&x=2"
        assert json.loads(wire.sent[0].content)["scene_info"] == {
            "payer_client_ip": "203.0.113.77",
            "h5_info": {"type": "Wap"},
        }

    @pytest.mark.parametrize("flow", [Flow.JSAPI, Flow.APP])
    async def test_the_sheet_opens_with_what_was_signed_and_with_nothing_else(
        self, shop, fake, flow
    ):
        action = (await shop.create(shop.asks(flow=flow))).action
        assert isinstance(action, JsApi | AppParams)
        params = dict(action.params)

        opened = fake.answer(httpx.Request("GET", "https://wx.test/sheet", params=params))
        assert (opened.status_code, "49.90" in opened.text) == (200, True)
        for name, value in params.items():
            changed = params | {name: value + "0"}
            refused = fake.answer(httpx.Request("GET", "https://wx.test/sheet", params=changed))
            assert refused.status_code == 403, name

    async def test_a_flow_may_have_an_app_of_its_own(self, make_shop, make_account, fake, wire):
        fake.apps |= {"wxmini"}
        shop = make_shop(make_account(app_ids=AppIds(jsapi="wxmini")))
        for flow, app in ((Flow.JSAPI, "wxmini"), (Flow.QR, "wxd678efh567hg6787")):
            payment = shop.asks(flow=flow)
            await shop.create(payment)
            assert fake.books.orders[payment.payment_id].app_id == app

    async def test_an_app_that_is_not_the_merchants_calls_an_operator(
        self, make_shop, make_account, fake
    ):
        shop = make_shop(make_account(app_id="wxother"))

        with pytest.raises(ProviderConfigError):
            await shop.create(shop.asks())
        assert fake.books.orders == {}


async def _query_of(shop, wire, payment) -> httpx.Request:
    before = len(wire.sent)
    await shop.query(payment)
    return wire.sent[before]

"""The fake as a vendor: its pages, its notifications, its memory, and what it refuses."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from commercekit.payments import Flow, PaymentState, RefundState
from commercekit.testing import ManualClock
from commercekit_payment_wechatpay.fake import FakeWechatPay, Keys
from commercekit_payment_wechatpay.fake.news import PLAN
from commercekit_payment_wechatpay.signing import authorization, private_key, request_message, sign

API = "https://api.mch.weixin.qq.com"


def get(fake: FakeWechatPay, url: str, **headers: str) -> httpx.Response:
    return fake.answer(httpx.Request("GET", httpx.URL(API).join(url), headers=headers))


def press(fake: FakeWechatPay, url: str, **form: str) -> httpx.Response:
    return fake.answer(
        httpx.Request("POST", httpx.URL(API).join(url), content=urlencode(form).encode())
    )


def ask(fake: FakeWechatPay, method: str, target: str, said: Any = None, **more: Any) -> Any:
    """As the merchant asks, unless ``more`` says otherwise."""
    body = b"" if said is None else json.dumps(said).encode()
    stamp = str(int(fake.clock().timestamp()) + more.get("late", 0))
    key = private_key(more.get("key", fake.keys.merchant_private_key))
    message = request_message(method, target, stamp, "once", more.get("signs", body))
    header = authorization(
        merchant_id=more.get("merchant", fake.merchant),
        serial=more.get("serial", fake.keys.merchant_serial),
        timestamp=stamp,
        nonce="once",
        signature=sign(key, message),
    )
    headers = {"authorization": header, "accept": "application/json"}
    request = httpx.Request(method, API + target, content=body, headers=headers)
    answer = fake.answer(request)
    return answer.status_code, (answer.json() if answer.content else None)


def order(**changes: Any) -> dict[str, Any]:
    wanted = {
        "appid": "wxd678efh567hg6787",
        "mchid": "1900000109",
        "description": "Cap",
        "out_trade_no": "ORDER1",
        "notify_url": "https://shop.test/hook",
        "amount": {"total": 100, "currency": "CNY"},
    }
    return {name: each for name, each in (wanted | changes).items() if each is not ...}


class TestRefusals:
    """What the vendor refuses, the fake refuses."""

    @pytest.mark.parametrize(
        "more",
        [
            {"late": 301},
            {"late": -301},
            {"merchant": "1900000110"},
            {"serial": "00"},
            {"signs": b"{}"},
        ],
    )
    def test_a_request_that_is_not_the_merchants_now(self, fake: FakeWechatPay, more: Any) -> None:
        status, said = ask(fake, "POST", "/v3/pay/transactions/native", order(), **more)

        assert (status, said["code"]) == (401, "SIGN_ERROR")
        assert fake.books.orders == {}

    def test_a_request_signed_with_another_key(self, fake: FakeWechatPay, keys: Keys) -> None:
        status, said = ask(
            fake, "POST", "/v3/pay/transactions/native", order(), key=keys.public_key_private
        )

        assert (status, said["code"]) == (401, "SIGN_ERROR")

    @pytest.mark.parametrize(
        ("kind", "changes", "code"),
        [
            ("native", {"description": ...}, "PARAM_ERROR"),
            ("native", {"description": ""}, "PARAM_ERROR"),
            ("native", {"attach": None}, "PARAM_ERROR"),
            ("native", {"out_trade_no": "short"}, "PARAM_ERROR"),
            ("native", {"out_trade_no": "x" * 33}, "PARAM_ERROR"),
            ("native", {"notify_url": "http://shop.test/hook"}, "PARAM_ERROR"),
            ("native", {"notify_url": "https://shop.test/hook?x=1"}, "PARAM_ERROR"),
            ("native", {"amount": {"total": 0, "currency": "CNY"}}, "PARAM_ERROR"),
            ("native", {"amount": {"total": 1.5, "currency": "CNY"}}, "PARAM_ERROR"),
            ("native", {"amount": {"total": "1", "currency": "CNY"}}, "PARAM_ERROR"),
            ("native", {"amount": {"total": 1, "currency": "USD"}}, "PARAM_ERROR"),
            ("native", {"time_expire": "tomorrow"}, "PARAM_ERROR"),
            ("native", {"time_expire": "2001-01-01T00:00:00+08:00"}, "INVALID_REQUEST"),
            ("native", {"appid": "wxother"}, "APPID_MCHID_NOT_MATCH"),
            ("jsapi", {}, "PARAM_ERROR"),
            ("h5", {}, "PARAM_ERROR"),
            ("h5", {"scene_info": {"payer_client_ip": "1.2.3.4"}}, "PARAM_ERROR"),
        ],
    )
    def test_an_order_that_lacks_something(
        self, fake: FakeWechatPay, kind: str, changes: Any, code: str
    ) -> None:
        status, said = ask(fake, "POST", f"/v3/pay/transactions/{kind}", order(**changes))

        assert (status, said["code"]) == (400, code)
        assert fake.books.orders == {}

    def test_a_refund_of_more_than_is_left_or_of_another_total(self, fake: FakeWechatPay) -> None:
        ask(fake, "POST", "/v3/pay/transactions/native", order())
        target = "/v3/refund/domestic/refunds"
        refund = {
            "out_trade_no": "ORDER1",
            "out_refund_no": "R1",
            "amount": {"refund": 60, "total": 100, "currency": "CNY"},
        }

        assert ask(fake, "POST", target, refund)[0] == 400, "nobody has paid"
        fake.pay("ORDER1")
        assert ask(fake, "POST", target, refund)[0] == 200
        for changes in (
            {"out_refund_no": "R2"},
            {"amount": {"refund": 1, "total": 99, "currency": "CNY"}},
            {"amount": {"refund": 59, "total": 100, "currency": "CNY"}},
            {"amount": {"refund": 0, "total": 100, "currency": "CNY"}, "out_refund_no": "R3"},
            {"transaction_id": "42", "out_refund_no": "R4"},
        ):
            assert ask(fake, "POST", target, refund | changes)[0] == 400, changes
        assert [each.amount for each in fake.books.refunds.values()] == [60]

    def test_what_it_does_not_serve(self, fake: FakeWechatPay) -> None:
        assert ask(fake, "GET", "/v3/marketing/favor/stocks")[0] == 404
        assert ask(fake, "GET", "/v3/certificates")[0] == 404, "this account has a public key"
        assert get(fake, "/nowhere").status_code == 404


class TestPages:
    """The shopper and a developer."""

    async def test_a_shopper_pays_by_two_buttons_and_no_script(
        self, shop: Any, fake: FakeWechatPay
    ) -> None:
        payment = shop.asks(flow=Flow.H5, subject="<b>Cap</b>")
        link = (await shop.create(payment)).action.url
        page = get(fake, link)

        assert page.status_code == 200
        assert "¥ 49.90" in page.text
        assert "<b>" not in page.text
        assert "<script" not in page.text
        token = fake.books.orders[payment.payment_id].prepay_id
        back = "https://shop.test/thanks?order=1&x=2"
        assert press(fake, f"/pay/{token}", action="decline").status_code == 200
        assert (await shop.query(payment)).state is PaymentState.PENDING
        paid = press(fake, f"/pay/{token}", action="pay", redirect_url=back)
        assert (paid.status_code, paid.headers["location"]) == (303, back)
        assert (await shop.query(payment)).state is PaymentState.PAID
        assert press(fake, f"/pay/{token}", action="pay").status_code == 409
        assert get(fake, link).status_code == 409

    async def test_pages_are_in_chinese_for_who_reads_it(
        self, shop: Any, fake: FakeWechatPay
    ) -> None:
        await shop.create(shop.asks())

        page = get(fake, "/", **{"accept-language": "zh-CN,zh;q=0.9"})
        assert "等待支付的订单" in page.text
        assert 'lang="zh"' in page.text
        assert "Orders that wait" in get(fake, "/").text

    async def test_a_link_is_good_for_five_minutes(
        self, shop: Any, fake: FakeWechatPay, clock: ManualClock
    ) -> None:
        link = (await shop.create(shop.asks(flow=Flow.H5))).action.url
        clock.advance(minutes=5)

        assert get(fake, link).status_code == 410

    async def test_after_its_end_an_order_is_not_paid(
        self, shop: Any, fake: FakeWechatPay, clock: ManualClock
    ) -> None:
        payment = shop.asks()
        await shop.create(payment)
        token = fake.books.orders[payment.payment_id].prepay_id
        clock.advance(minutes=30)

        assert press(fake, f"/pay/{token}", action="pay").status_code == 409
        assert fake.books.news == []

    async def test_a_developer_ends_a_refund_as_it_pleases(
        self, shop: Any, fake: FakeWechatPay
    ) -> None:
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        refund = shop.gives_back(payment, 49_90)
        await shop.refund(refund)

        assert refund.refund_id in get(fake, "/").text
        assert press(fake, f"/refunds/{refund.refund_id}", status="PAID").status_code == 404
        assert press(fake, f"/refunds/{refund.refund_id}", status="ABNORMAL").status_code == 200
        assert (await shop.refund(refund)).state is RefundState.NEEDS_ATTENTION

    def test_nobody_is_led_elsewhere(self, fake: FakeWechatPay) -> None:
        ask(fake, "POST", "/v3/pay/transactions/native", order())
        token = fake.books.orders["ORDER1"].prepay_id

        paid = press(fake, f"/pay/{token}", action="pay", redirect_url="javascript:alert(1)")
        assert (paid.status_code, "javascript" in paid.text) == (200, False)


class TestNews:
    """Notifications as the vendor sends them."""

    def test_it_tries_sixteen_times_by_the_vendors_plan_and_then_no_more(
        self, fake: FakeWechatPay, clock: ManualClock
    ) -> None:
        ask(fake, "POST", "/v3/pay/transactions/native", order())
        fake.pay("ORDER1")
        keys, signatures = set(), set()
        for pause in PLAN:
            (due,) = fake.due()
            keys.add(due.key)
            signatures.add(due.request.headers["wechatpay-signature"])
            fake.delivered(due.key, httpx.Response(500))
            assert fake.due() == []
            clock.advance(seconds=pause)
        (due,) = fake.due()
        fake.delivered(due.key, None)
        clock.advance(days=30)

        assert fake.due() == []
        assert len(keys) == 1
        assert len(signatures) == len(PLAN) == 15
        assert sum(PLAN) == 24 * 3600 + 4 * 60

    @pytest.mark.parametrize("status", [200, 204])
    def test_a_yes_ends_it(self, fake: FakeWechatPay, clock: ManualClock, status: int) -> None:
        ask(fake, "POST", "/v3/pay/transactions/native", order())
        fake.pay("ORDER1")
        fake.delivered(fake.due()[0].key, httpx.Response(status))
        clock.advance(days=2)

        assert fake.due() == []

    @pytest.mark.parametrize(
        ("fen", "state"),
        [
            (10_00, RefundState.SUCCEEDED),
            (10_41, RefundState.NEEDS_ATTENTION),
            (10_42, RefundState.FAILED),
        ],
    )
    async def test_refunds_end_by_themselves_as_their_amount_says(
        self,
        make_shop: Any,
        make_account: Any,
        fake: FakeWechatPay,
        clock: Any,
        fen: int,
        state: Any,
    ) -> None:
        fake.settles_after = timedelta(seconds=5)
        shop = make_shop(make_account())
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        await shop.refund(shop.gives_back(payment, fen))
        clock.advance(seconds=5)
        heard = await shop.hears(fake.due()[-1].request)

        assert heard.events[0].refund.state is state

    def test_after_a_restart_it_remembers_everything(
        self, fake: FakeWechatPay, keys: Keys, clock: ManualClock
    ) -> None:
        ask(fake, "POST", "/v3/pay/transactions/native", order())
        fake.pay("ORDER1")
        other = FakeWechatPay(keys, clock.now)
        other.recall(fake.remember())

        assert other.remember() == fake.remember()
        assert [each.key for each in other.due()] == [each.key for each in fake.due()]
        assert ask(other, "POST", "/v3/pay/transactions/native", order())[0] == 400
        with pytest.raises(ValueError, match=r"."):
            other.recall(b'{"orders": 1}')

"""The fake by itself: its page, its patience, its memory, and what it refuses."""

from __future__ import annotations

import json
import tomllib
from datetime import timedelta
from urllib.parse import parse_qsl

import httpx
import pytest

from commercekit.kernel import Money, new_id
from commercekit.payments import CaptureMode, CreatePayment, Flow
from commercekit.platform.settings import Secret
from commercekit_payment_alipay.client import parameters
from commercekit_payment_alipay.fake import FakeAlipay, kept_key
from commercekit_payment_alipay.fake.books import Request
from commercekit_payment_alipay.settings import Account

from .conftest import GATEWAY_URL

YES = httpx.Response(200, content=b"success")


def asked(**changes) -> Request:
    said = {"out_trade_no": "o1", "total": 49_90, "subject": "x", "product": "page"}
    return Request(**(said | {"notify_url": "https://shop.test/n"} | changes))


async def test_the_page_speaks_both_languages_and_loads_nothing(alipay, context, shopper, clock):
    request = CreatePayment(
        payment_id=new_id().hex,
        order_ref="1",
        amount=Money(49_90, "CNY"),
        flow=Flow.REDIRECT,
        capture=CaptureMode.AUTO,
        subject='<script>alert("1")</script>',
        idempotency_key="k",
        notify_url="https://shop.test/n",
        return_url="https://shop.test/thanks",
        cancel_url="javascript:alert(1)",
    )
    action = (await alipay.create(context, request)).action
    chinese, english = shopper.open(action), shopper.open(action, "en-GB,en;q=0.9")
    assert "确认付款 49.90 元" in chinese.text
    assert 'lang="zh-CN"' in chinese.text
    assert "Pay CNY 49.90" in english.text
    assert 'lang="en"' in english.text
    for page in (chinese.text, english.text):
        assert "<script" not in page
        assert "src=" not in page
        assert "javascript:" not in page
    policy = chinese.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")


async def test_an_altered_link_shows_no_page(alipay, context, shopper, fake):
    params = parameters(
        context,
        "alipay.trade.page.pay",
        {
            "out_trade_no": "o1",
            "total_amount": "49.90",
            "subject": "x",
            "product_code": "FAST_INSTANT_TRADE_PAY",
        },
    )
    good = httpx.Request("GET", GATEWAY_URL, params=params)
    assert fake.answer(good).status_code == 200
    content = params["biz_content"].replace("49.90", "0.01")
    bad = httpx.Request("GET", GATEWAY_URL, params=params | {"biz_content": content})
    answer = fake.answer(bad)
    assert answer.status_code == 400
    assert "isv.invalid-signature" in answer.text
    pressed = httpx.Request(
        "POST", "https://openapi.alipay.test/cashier.htm", data={"proof": "x", "action": "pay"}
    )
    assert fake.answer(pressed).status_code == 400
    assert fake.books.trades == {}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"app_id": "2021000000000009"}, "isv.invalid-app-id"),
        ({"sign": None}, "isv.missing-signature"),
        ({"sign": "AAAA"}, "isv.invalid-signature"),
        ({"sign_type": "RSA"}, "isv.invalid-signature-type"),
        ({"sign_type": None}, "isv.missing-signature-type"),
        ({"timestamp": None}, "isv.missing-timestamp"),
        ({"version": None}, "isv.missing-version"),
        ({"method": "alipay.trade.nothing"}, "isv.invalid-method"),
    ],
)
async def test_requests_that_are_not_whole_are_refused(context, fake, changes, code):
    params = parameters(context, "alipay.trade.query", {"out_trade_no": "o1"})
    sent = {name: value for name, value in (params | changes).items() if value is not None}
    answer = fake.answer(httpx.Request("POST", GATEWAY_URL, data=sent))
    said = json.loads(answer.content)
    node = said.get("error_response") or said["alipay_trade_query_response"]
    assert node["sub_code"] == code
    assert ("sign" in said) == (code not in ("isv.invalid-app-id", "isv.invalid-method"))


async def test_what_a_payment_needs_has_to_be_there(context, fake):
    whole = {"out_trade_no": "o1", "total_amount": "49.90", "subject": "x"}
    for name in whole:
        left = {key: value for key, value in whole.items() if key != name}
        assert _code(context, fake, "alipay.trade.precreate", left) == "ACQ.INVALID_PARAMETER"
    for changes in (
        {"total_amount": "0"},
        {"total_amount": "-1.00"},
        {"total_amount": "1.001"},
        {"total_amount": "1e2"},
        {"subject": "a/b"},
        {"out_trade_no": "a b"},
        {"time_expire": "tomorrow"},
    ):
        code = _code(context, fake, "alipay.trade.precreate", whole | changes)
        assert code == "ACQ.INVALID_PARAMETER", changes
    assert _code(context, fake, "alipay.trade.query", {}) == "ACQ.INVALID_PARAMETER"
    assert (
        _code(context, fake, "alipay.trade.refund", {"out_trade_no": "o9"}) == "ACQ.TRADE_NOT_EXIST"
    )


async def test_a_partial_refund_needs_a_number(context, fake, clock):
    fake.books.pay(asked(), clock.now())
    part = {"out_trade_no": "o1", "refund_amount": "10.00"}
    code = _code(context, fake, "alipay.trade.refund", part)
    assert code == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    assert fake.books.trades["o1"].refunds == []
    assert _code(context, fake, "alipay.trade.refund", part | {"refund_amount": "49.90"}) == ""


def test_a_notice_comes_eight_times_in_twenty_five_hours(fake: FakeAlipay, clock):
    fake.books.pay(asked(), clock.now())
    began, sent = clock.now(), []
    while clock.now() - began < timedelta(hours=30):
        for delivery in fake.due():
            sent.append(int((clock.now() - began).total_seconds() // 60))
            answer = (None, httpx.Response(500), httpx.Response(200, content=b"ok"))[len(sent) % 3]
            fake.delivered(delivery.key, answer)
        clock.advance(minutes=1)
    assert sent == [0, 4, 14, 24, 84, 204, 564, 1464]


def test_seven_bytes_end_it(fake: FakeAlipay, clock):
    fake.books.pay(asked(), clock.now())
    [delivery] = fake.due()
    fake.delivered(delivery.key, httpx.Response(200, content=b" success"))
    assert fake.due() == []
    clock.advance(minutes=4)
    [again] = fake.due()
    assert again.key == delivery.key
    first, second = (dict(parse_qsl(each.request.content.decode())) for each in (delivery, again))
    assert first["notify_id"] == second["notify_id"] == delivery.key
    assert first["notify_time"] != second["notify_time"]
    assert first["sign"] != second["sign"]
    fake.delivered(delivery.key, YES)
    clock.advance(days=2)
    assert fake.due() == []


def test_what_nobody_pays_is_closed_in_time_and_told_on_the_mobile_web_only(fake, clock):
    until = clock.now() + timedelta(minutes=30)
    for number, product in (("o1", "page"), ("o2", "wap")):
        fake.books.meet(asked(out_trade_no=number, product=product, expires_at=until), clock.now())
    clock.advance(minutes=31)
    [delivery] = fake.due()
    said = dict(parse_qsl(delivery.request.content.decode()))
    assert (said["out_trade_no"], said["trade_status"]) == ("o2", "TRADE_CLOSED")
    assert said["refund_fee"] == "0.00"
    assert {t.status for t in fake.books.trades.values()} == {"TRADE_CLOSED"}


def test_a_restart_forgets_nothing(fake, identity, clock):
    fake.books.pay(asked(), clock.now())
    fake.books.refund(fake.books.trades["o1"], "r1", 10_00, clock.now())
    later = FakeAlipay(identity, clock.now)
    later.recall(fake.remember())
    assert later.books == fake.books
    assert [d.key for d in later.due()] == [d.key for d in fake.due()]
    with pytest.raises(ValueError):
        later.recall(b"nothing of ours")
    assert later.books == fake.books


def test_keys_stay_the_same_where_they_are_kept():
    kept: dict[str, bytes] = {}

    def keep(name, make):
        return kept.setdefault(name, make())

    first, again = kept_key(keep, "a.pem"), kept_key(keep, "a.pem")
    assert first.private_numbers() == again.private_numbers()


def test_its_settings_are_an_account_that_fits(fake):
    local = FakeAlipay(fake.identity, fake._now, address="http://127.0.0.1:8811")
    said = tomllib.loads(local.settings())
    account = said["payments"]["accounts"]["alipay"]["default"]
    read = Account(**(account | {"private_key": Secret(account["private_key"])}))
    assert read.gateway_url == "http://127.0.0.1:8811/gateway.do"
    assert said["payments"]["methods"]["alipay"]["label"] == {"en": "Alipay", "zh": "支付宝"}


def test_what_is_not_there_is_not_there(fake):
    for method, path in (("GET", "/"), ("GET", "/cashier.htm"), ("POST", "/x"), ("GET", "/qr")):
        request = httpx.Request(method, f"https://openapi.alipay.test{path}")
        assert fake.answer(request).status_code == 404
    answer = fake.answer(httpx.Request("GET", "https://openapi.alipay.test/qr/nothing"))
    assert answer.status_code == 400


def _code(context, fake, method, content) -> str:
    params = parameters(context, method, content)
    answer = fake.answer(httpx.Request("POST", GATEWAY_URL, data=params))
    node = json.loads(answer.content)[f"{method.replace('.', '_')}_response"]
    return node.get("sub_code", "")

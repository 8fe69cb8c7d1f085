"""The trade bill of a day: as the vendor writes it, and as the core reads it."""

from __future__ import annotations

import gzip
import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from commercekit.kernel import Money
from commercekit.payments import StatementKind, StatementLine
from commercekit.platform.providers import (
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)
from commercekit.testing import ManualClock
from commercekit_payment_wechatpay.fake import FakeWechatPay
from commercekit_payment_wechatpay.money import yuan
from commercekit_payment_wechatpay.statements import lines_of

NAMES = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
HEAD = "2025-06-15 23:06:39,wx1,1900000109,0,,42,CK1,oU,NATIVE"
CHARGE = (
    f"{HEAD},SUCCESS,OTHERS,CNY,118.45,5.00,0,0,0.00,0.00,,,Cap+Hat,,0.71000,0.60%,123.45,0.00,"
)
REFUND = f"{HEAD},REFUND,OTHERS,CNY,0.00,0.00,503,R1,23.45,0.00,ORIGINAL,SUCCESS,Cap,,-0.14000,0.60%,0.00,23.45,"


def bill(*rows: str, sums: bool = True) -> bytes:
    """Rows as the vendor writes them: each value behind a back quote."""
    lines = [NAMES, *("`" + row.replace(",", ",`").replace("+", ",") for row in rows)]
    if sums:
        lines += [SUMS, "`1,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00"]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


async def read(shop: Any, day: date) -> list[StatementLine]:
    return [line async for line in shop.gateway.reconcile(shop.context, day)]


def test_a_sale_is_what_was_charged_with_its_fee_and_the_shops_own_coupon() -> None:
    charge, coupon = lines_of(bill(CHARGE))

    assert charge == StatementLine(
        line_id="42",
        kind=StatementKind.CHARGE,
        amount=Money(123_45, "CNY"),
        fee=Money(71, "CNY"),
        payment_id="CK1",
        provider_ref="42",
        text="NATIVE",
        occurred_at=datetime(2025, 6, 15, 15, 6, 39, tzinfo=UTC),
    )
    assert (coupon.line_id, coupon.kind) == ("42:coupon", StatementKind.ADJUSTMENT)
    assert coupon.amount == Money(-5_00, "CNY")


def test_a_refund_leaves_the_account_and_its_fee_comes_back() -> None:
    (refund,) = lines_of(bill(REFUND))

    assert (refund.line_id, refund.kind) == ("42:503", StatementKind.REFUND)
    assert refund.amount == Money(-23_45, "CNY")
    assert refund.fee == Money(-14, "CNY")
    assert (refund.payment_id, refund.refund_id, refund.provider_ref) == ("CK1", "R1", "503")


def test_a_refund_that_did_not_go_out_moved_nothing() -> None:
    assert lines_of(bill(REFUND.replace("ORIGINAL,SUCCESS", "ORIGINAL,FAIL"))) == []


def test_half_of_a_bill_is_no_bill() -> None:
    with pytest.raises(ProviderUnknown):
        lines_of(bill(CHARGE, REFUND, sums=False))


@pytest.mark.parametrize(
    "broken",
    [
        bill(CHARGE.replace("123.45", "much")),
        bill(CHARGE.replace("0.71000", "0.00710")),
        bill(CHARGE.replace("2025-06-15", "15.06.2025")),
        bill(CHARGE.removesuffix(",0.60%,123.45,0.00,")),
        bill(CHARGE).replace("订单金额".encode(), "金额".encode()),
        b"",
        b"\xff\xfe",
        b"<html></html>",
    ],
)
def test_what_cannot_be_read_is_unknown_and_nothing_of_it_is_told(broken: bytes) -> None:
    with pytest.raises(ProviderUnknown):
        lines_of(broken)


@pytest.mark.parametrize("text", ["", "1.001", "NaN", "Infinity", "1e99", "9" * 16, "１,0"])
def test_what_is_no_amount_in_whole_fen_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        yuan(text)


@pytest.mark.parametrize(("text", "fen"), [("0.00", 0), ("19.9", 1990), ("-0.14000", -14)])
def test_yuan_are_a_hundred_fen(text: str, fen: int) -> None:
    assert yuan(text) == Money(fen, "CNY")


async def test_a_day_is_told_whole_by_both_numbers_and_the_same_when_it_is_read_again(
    shop: Any, fake: FakeWechatPay, wire: Any, clock: ManualClock
) -> None:
    day = noon(clock)
    payment, unpaid = shop.asks(subject="Cap, Hat"), shop.asks()
    await shop.create(payment)
    await shop.create(unpaid)
    fake.pay(payment.payment_id)
    refunds = [shop.gives_back(payment, fen) for fen in (10_00, 5_00)]
    for each in refunds:
        await shop.refund(each)
    fake.settle(refunds[1].refund_id, "CLOSED")
    clock.advance(days=1)
    charge, refund = lines = await read(shop, day)
    asked, fetched = wire.sent[-2:]
    assert "max_bytes" not in asked.extensions, "only a bill may be large"
    assert fetched.extensions["max_bytes"] == 32 * 1024 * 1024

    assert (charge.payment_id, charge.amount, charge.fee) == (
        payment.payment_id,
        payment.amount,
        Money(30, "CNY"),
    )
    assert (refund.refund_id, refund.amount) == (refunds[0].refund_id, Money(-10_00, "CNY"))
    assert refund.fee == Money(-6, "CNY")
    assert await read(shop, day) == lines
    assert await read(shop, day - timedelta(days=1)) == []


async def test_before_ten_in_the_morning_it_is_not_there(
    shop: Any, fake: FakeWechatPay, clock: ManualClock
) -> None:
    day = noon(clock)
    payment = shop.asks()
    await shop.create(payment)
    fake.pay(payment.payment_id)

    with pytest.raises(ProviderRejected):
        await read(shop, day)
    clock.advance(hours=21, minutes=59)
    with pytest.raises(ProviderUnavailable):
        await read(shop, day)
    clock.advance(minutes=1)
    assert len(await read(shop, day)) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: gzip.compress(text.replace(b"49.90", b"99.90")), "bill-not-whole"),
        (lambda text: text.replace(b"49.90", b"99.90"), "bill-not-whole"),
        (lambda text: gzip.compress(text)[:-10], "bill-unreadable"),
        (lambda text: gzip.compress(text)[:30] + b"nonsense" * 9, "bill-unreadable"),
        (lambda text: text, None),
    ],
)
async def test_a_bill_that_is_not_the_one_announced_is_not_read(
    shop: Any, fake: FakeWechatPay, wire: Any, clock: ManualClock, change: Any, code: str | None
) -> None:
    day = noon(clock)
    payment = shop.asks()
    await shop.create(payment)
    fake.pay(payment.payment_id)
    clock.advance(days=1)
    announced: list[httpx.Response] = []

    def altered(request: httpx.Request) -> httpx.Response:
        answer = fake.answer(request)
        announced.append(answer)
        if request.url.path != "/v3/billdownload/file":
            return answer
        return httpx.Response(200, content=change(gzip.decompress(answer.content)))

    wire.answer = altered
    if code is None:
        assert len(await read(shop, day)) == 1
    else:
        with pytest.raises(ProviderUnknown) as unknown:
            await read(shop, day)
        assert unknown.value.code == code
    digest = hashlib.sha1(gzip.decompress(announced[1].content), usedforsecurity=False).hexdigest()
    assert announced[0].json()["hash_value"] == digest


async def test_a_signed_request_goes_to_the_vendor_alone(
    shop: Any, fake: FakeWechatPay, wire: Any, clock: ManualClock
) -> None:
    day = noon(clock)
    payment = shop.asks()
    await shop.create(payment)
    fake.pay(payment.payment_id)
    clock.advance(days=1)
    said = b'{"hash_type":"SHA1","hash_value":"0","download_url":"https://evil.example/v3/billdownload/file?token=1"}'
    headers = fake.signed(said, "https://x.test/").headers
    wire.answers = [httpx.Response(200, content=said, headers=headers)]

    with pytest.raises(ProviderRejected):
        await read(shop, day)
    assert {request.url.host for request in wire.sent} == {"api.mch.weixin.qq.com"}


def noon(clock: ManualClock) -> date:
    """Wait for the next noon in China, and give its day."""
    now = clock.now()
    wanted = now.replace(hour=4, minute=0, second=0, microsecond=0)
    clock.advance(wanted - now if wanted >= now else wanted + timedelta(days=1) - now)
    return (clock.now() + timedelta(hours=8)).date()

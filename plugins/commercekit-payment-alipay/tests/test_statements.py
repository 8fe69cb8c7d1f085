"""The daily bill: every movement once, with its sign, its fee and our numbers."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from commercekit.kernel import Money
from commercekit.payments import StatementKind
from commercekit.platform.providers import ProviderRejected, ProviderUnavailable, ProviderUnknown
from commercekit_payment_alipay.fake.bills import bill_of
from commercekit_payment_alipay.fake.books import Request
from commercekit_payment_alipay.statements import lines_in

COLUMNS = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
TITLE = "#支付宝业务明细查询"
END = (
    "#-----------------------------------------业务明细列表结束------------------------------------"
)


def row(**changes: str) -> str:
    cells = {
        "trade": "2026112222001400000000000001\t",
        "order": "0198f0f0f0f07000800000000000abcd\t",
        "kind": "交易",
        "subject": "Order 1",
        "created": "2026-11-22 10:00:00",
        "done": "2026-11-22 10:00:30",
        "places": "\t,\t,\t,\t",
        "payer": "*买家(138****0000)\t",
        "total": "35.80",
        "received": "35.80",
        "given": "0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00",
        "request": "\t",
        "fee": "-0.21",
        "shared": "0.00",
        "remark": "",
    } | changes
    return ",".join(cells.values())


def packed(*rows: str, columns: str = COLUMNS, end: str = END, charset: str = "gb18030") -> bytes:
    made = io.BytesIO()
    lines = [TITLE, "#账号：[20880000000000020156]", columns, *rows, end]
    with zipfile.ZipFile(made, "w") as bill:
        bill.writestr("a.csv", "#支付宝业务汇总查询\r\n".encode(charset))
        bill.writestr("b.csv", ("\r\n".join(lines) + "\r\n").encode(charset))
    return made.getvalue()


def test_a_charge_and_its_refund_are_two_movements():
    back = row(kind="退款", total="-35.80", received="-35.80", request="r1\t", fee="0.21")
    charge, refund = lines_in(packed(row(), back))
    assert charge.line_id == "2026112222001400000000000001"
    assert refund.line_id == "2026112222001400000000000001:r1"
    assert (charge.kind, refund.kind) == (StatementKind.CHARGE, StatementKind.REFUND)
    assert (charge.amount, refund.amount) == (Money(35_80, "CNY"), Money(-35_80, "CNY"))
    assert (charge.fee, refund.fee) == (Money(21, "CNY"), Money(-21, "CNY"))
    assert charge.payment_id == refund.payment_id == "0198f0f0f0f07000800000000000abcd"
    assert (charge.refund_id, refund.refund_id) == (None, "r1")
    assert charge.occurred_at == datetime(2026, 11, 22, 2, 0, 30, tzinfo=UTC)


def test_signs_do_not_depend_on_how_the_vendor_wrote_them():
    back = row(kind="退款", total="35.80", received="35.80", request="r1", fee="-0.21")
    charge, refund = lines_in(packed(row(fee="0.21"), back))
    assert (charge.fee, refund.fee) == (Money(21, "CNY"), Money(-21, "CNY"))
    assert (charge.amount.amount, refund.amount.amount) == (35_80, -35_80)


def test_what_the_merchant_gave_away_is_a_movement_of_its_own():
    charge, discount, shared = lines_in(packed(row(received="33.80", shared="-1.00")))
    assert charge.amount == Money(35_80, "CNY")
    assert (discount.kind, discount.amount) == (StatementKind.ADJUSTMENT, Money(-2_00, "CNY"))
    assert (shared.kind, shared.amount) == (StatementKind.ADJUSTMENT, Money(-1_00, "CNY"))
    assert len({charge.line_id, discount.line_id, shared.line_id}) == 3
    assert discount.fee is None


def test_a_kind_nobody_knows_is_shown_in_the_vendors_words():
    [line] = lines_in(packed(row(kind="转账", total="-5.00", received="-5.00", fee="0.00")))
    assert (line.kind, line.amount, line.text) == (
        StatementKind.ADJUSTMENT,
        Money(-5_00, "CNY"),
        "转账",
    )


def test_commas_in_a_remark_or_in_a_subject_move_no_column():
    for changes in ({"remark": "a,b,c"}, {"subject": "Order 1, 2 and 3"}):
        [line] = lines_in(packed(row(**changes)))
        assert (line.amount, line.fee) == (Money(35_80, "CNY"), Money(21, "CNY"))


def test_columns_are_known_by_name_and_not_by_place():
    names = COLUMNS.replace("（元）", "(元)").split(",")
    cells = row().split(",")
    turned = packed(",".join(cells[::-1]), columns=",".join(names[::-1]))
    assert [line.amount for line in lines_in(turned)] == [Money(35_80, "CNY")]


def test_nobodys_name_is_told():
    [line] = lines_in(packed(row(remark="张三 13800000000")))
    assert "买家" not in repr(line)
    assert "张三" not in repr(line)


@pytest.mark.parametrize(
    "bill",
    [
        b"",
        b"PK",
        b"<html>",
        packed(row(), end="#"),
        packed(row()[:60]),
        packed(row(done="yesterday")),
        packed(row(total="35.801")),
        packed(row(), columns=COLUMNS.replace("订单金额", "金额")),
        packed(row())[:-30],
    ],
)
async def test_a_bill_that_is_cut_off_gives_nothing_of_itself(alipay, context, fake, clock, bill):
    _sell(fake, clock)
    day = _china(clock.now())
    clock.advance(days=1, hours=12)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, content=bill)
        return fake.answer(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        at = dataclasses.replace(context, http=http)
        with pytest.raises(ProviderUnknown):
            assert [line async for line in alipay.reconcile(at, day)] == []


async def test_the_bill_of_a_day_is_fetched_and_read_twice_the_same(alipay, context, fake, clock):
    first, second = _sell(fake, clock, 49_90), _sell(fake, clock, 10_00)
    fake.books.refund(fake.books.trades[first], "r1", 20_00, clock.now())
    day = _china(clock.now())
    clock.advance(days=1, hours=12)
    lines = [line async for line in alipay.reconcile(context, day)]
    assert [(line.kind, line.amount.amount) for line in lines] == [
        ("charge", 49_90),
        ("refund", -20_00),
        ("charge", 10_00),
    ]
    assert [line.payment_id for line in lines] == [first, first, second]
    assert lines == [line async for line in alipay.reconcile(context, day)]
    taken = sum(line.amount.amount - (line.fee.amount if line.fee else 0) for line in lines)
    assert taken == fake.books.purse


async def test_a_day_that_is_not_billed_yet_is_asked_for_again(alipay, context, fake, clock):
    day = _china(clock.now())
    with pytest.raises(ProviderRejected) as caught:
        [line async for line in alipay.reconcile(context, day)]
    assert caught.value.code == "INVAILID_ARGUMENTS"
    clock.advance(days=1)
    with pytest.raises(ProviderUnavailable):
        [line async for line in alipay.reconcile(context, day)]
    clock.advance(days=3)
    assert [line async for line in alipay.reconcile(context, day)] == []


async def test_the_address_of_a_bill_is_good_for_half_a_minute(context, fake, clock):
    _sell(fake, clock)
    day = _china(clock.now())
    clock.advance(days=1, hours=12)
    url = f"https://openapi.alipay.test/downloadBillFile.resource?{fake._gateway._ticket(day)}"
    assert fake.answer(httpx.Request("GET", url)).status_code == 200
    assert fake.answer(httpx.Request("GET", url.replace("trade", "other"))).status_code == 404
    clock.advance(seconds=31)
    assert fake.answer(httpx.Request("GET", url)).status_code == 404


async def test_bills_are_never_fetched_in_clear(alipay, context, fake, clock):
    fetched = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            fetched.append((str(request.url), request.extensions["max_bytes"]))
            return httpx.Response(200, content=packed(row()))
        body = {"code": "10000", "bill_download_url": "http://dwbillcenter.alipay.com/x?fileId=1"}
        node = "alipay_data_dataservice_bill_downloadurl_query_response"
        return httpx.Response(200, content=fake._gateway.signed(node, body))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        at = dataclasses.replace(context, http=http)
        assert len([line async for line in alipay.reconcile(at, date(2026, 11, 22))]) == 1
    # And a busy day's is larger than an answer usually may be.
    assert fetched == [("https://dwbillcenter.alipay.com/x?fileId=1", 32 * 1024 * 1024)]


def test_the_fakes_bill_is_packed_as_the_vendors(fake, clock):
    _sell(fake, clock)
    with zipfile.ZipFile(io.BytesIO(bill_of(fake.books, _china(clock.now()), "2088"))) as bill:
        names = [member.filename.encode("cp437").decode("gbk") for member in bill.infolist()]
        text = bill.read(bill.infolist()[1]).decode("gb18030")
    assert names[1].endswith("_业务明细.csv")
    assert text.startswith("#支付宝业务明细查询\r\n#账号：[20880156]")


def _sell(fake, clock, total: int = 49_90) -> str:
    number = f"order{fake.books.counter}"
    asked = Request(out_trade_no=number, total=total, subject="x", product="page")
    fake.books.pay(asked, clock.now())
    return number


def _china(at: datetime) -> date:
    return (at + timedelta(hours=8)).date()

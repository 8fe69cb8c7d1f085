"""The daily bill of trades: a ZIP of CSV files in GBK, written for spreadsheets."""

from __future__ import annotations

import asyncio
import csv
import io
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import urlsplit

import msgspec

from commercekit.kernel import Money
from commercekit.payments import StatementKind, StatementLine
from commercekit.platform.providers import ProviderContext, ProviderUnavailable, ProviderUnknown
from commercekit_payment_alipay.client import Refusal, ask, download
from commercekit_payment_alipay.money import money
from commercekit_payment_alipay.times import CHINA, instant
from commercekit_payment_alipay.wire import BillAddress

__all__ = ["lines_in", "lines_of"]

_CHARSET: Final = "gb18030"
"""GBK and all that came after it."""
_MOST_BYTES: Final = 256 * 1024 * 1024
_TITLE: Final = "业务明细"
_SUMMARY: Final = "汇总"
_END: Final = "列表结束"
_CHARGE, _REFUND = "交易", "退款"
_KINDS: Final = {_CHARGE: StatementKind.CHARGE, _REFUND: StatementKind.REFUND}
_TRADE, _ORDER, _KIND = "支付宝交易号", "商户订单号", "业务类型"
_SUBJECT, _DONE, _REMARK = "商品名称", "完成时间", "备注"
_TOTAL, _RECEIVED = "订单金额", "商家实收"
_REQUEST, _FEE, _SHARED = "退款批次号/请求号", "服务费", "分润"
_NEEDED: Final = (_TRADE, _ORDER, _KIND, _DONE, _TOTAL, _RECEIVED, _REQUEST, _FEE)
_ABSENT: Final = ("BILL_NOT_EXIST", "isp.bill_not_exist")
_SURELY: Final = timedelta(hours=36)
"""So long after the day began plus a day, a bill that is not there is of a day without trades."""


async def lines_of(ctx: ProviderContext, day: date) -> AsyncIterator[StatementLine]:
    """Every movement on the bill of ``day``; none when there was no trade.

    :raises ProviderUnavailable: it is not written yet.
    :raises ProviderUnknown: it could not be fetched, or cannot be read; nothing was given of it.
    """
    said = {"bill_type": "trade", "bill_date": day.isoformat()}
    method = "alipay.data.dataservice.bill.downloadurl.query"
    answer = await ask(ctx, method, said, BillAddress)
    if isinstance(answer, Refusal):
        if answer.sub_code not in _ABSENT:
            raise answer.error()
        begun = datetime.combine(day, datetime.min.time(), CHINA)
        if ctx.now() < begun + timedelta(days=1) + _SURELY:
            raise ProviderUnavailable(retry_after=3600, detail=answer.sub_code)
        return
    packed = await download(ctx, _safely(answer.bill_download_url))
    try:
        # A busy shop's bill takes longer than the loop may be kept.
        lines = await asyncio.to_thread(lambda: list(lines_in(packed)))
    except (
        ArithmeticError,
        LookupError,
        RuntimeError,
        ValueError,
        NotImplementedError,
        csv.Error,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        message = f"the bill of {day} cannot be read: {type(error).__name__}"
        raise ProviderUnknown(code="nonsense", detail=message) from None
    for line in lines:
        yield line


def lines_in(packed: bytes) -> Iterator[StatementLine]:
    """The movements in a bill as it is downloaded; an exception for one that is cut off."""
    with zipfile.ZipFile(io.BytesIO(packed)) as bill:
        for member in bill.infolist():
            if member.file_size > _MOST_BYTES:
                message = "larger than a bill can be"
                raise ValueError(message)
            # Their names are in GBK without saying so; what is in them is told by their first line.
            with bill.open(member) as raw, io.TextIOWrapper(raw, _CHARSET, newline="") as text:
                title = text.readline()
                if _TITLE not in title or _SUMMARY in title:
                    continue
                yield from _lines(text)
                return
    message = "no list of trades"
    raise ValueError(message)


def _safely(url: str) -> str:
    """The vendor still writes ``http`` into the address of its own bills, and answers to ``https``."""
    parts = urlsplit(url)
    vendors = (parts.hostname or "").endswith((".alipay.com", ".alipaydev.com"))
    return parts._replace(scheme="https").geturl() if vendors else url


def _lines(text: Iterable[str]) -> Iterator[StatementLine]:
    names: list[str] = []
    for row in csv.reader(text):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if cells[0].startswith("#"):
            if names and _END in cells[0]:
                return
            continue
        if not names:
            names = [_name(cell) for cell in cells]
            missing = [name for name in _NEEDED if name not in names]
            if missing:
                message = f"no column {missing[0]}"
                raise ValueError(message)
            continue
        yield from _movements(_row(names, cells))
    message = "the list does not end"
    raise ValueError(message)


def _name(cell: str) -> str:
    """A column's name without the unit, whichever brackets are round it."""
    return cell.replace("（", "(").partition("(")[0]


def _row(names: list[str], cells: list[str]) -> Mapping[str, str]:
    """Nothing is quoted in a bill: a comma in a remark or in a subject makes a cell too many."""
    more = len(cells) - len(names)
    if more < 0:
        message = "a row that is cut off"
        raise ValueError(message)
    for column in (_REMARK, _SUBJECT) if more else ("",):
        if column and column not in names:
            continue
        at = names.index(column) if column else 0
        joined = [*cells[:at], ",".join(cells[at : at + more + 1]), *cells[at + more + 1 :]]
        found = dict(zip(names, joined, strict=True))
        if _is_sound(found):
            return found
    message = "a row that cannot be told apart"
    raise ValueError(message)


def _is_sound(row: Mapping[str, str]) -> bool:
    try:
        instant(row[_DONE])
        return all(_amount(row[name]) is not None for name in (_TOTAL, _RECEIVED, _FEE))
    except ValueError:
        return False


def _movements(row: Mapping[str, str]) -> Iterator[StatementLine]:
    """A charge or a refund, and what the merchant gave away on it: coupons, shares of others."""
    kind, way = row[_KIND], -1 if row[_KIND] == _REFUND else 1
    known = kind in _KINDS
    total, received, fee = (_amount(row[name]) for name in (_TOTAL, _RECEIVED, _FEE))
    if known:
        # Signs differ between the vendor's products; what a row is says which way the money went.
        total, received, fee = _signed(total, way), _signed(received, way), _signed(fee, way)
    line = StatementLine(
        line_id=_line_id(row),
        kind=_KINDS.get(kind, StatementKind.ADJUSTMENT),
        amount=total,
        fee=fee if known else _signed(fee, 1),
        payment_id=row[_ORDER] or None,
        refund_id=row[_REQUEST] or None,
        provider_ref=row[_TRADE],
        text="" if known else kind,
        occurred_at=instant(row[_DONE]),
    )
    yield line
    for what, amount in (
        ("商家优惠", received - total),
        (_SHARED, _amount(row.get(_SHARED, ""))),
    ):
        if amount.amount:
            yield msgspec.structs.replace(
                line,
                line_id=f"{line.line_id}:{what}",
                kind=StatementKind.ADJUSTMENT,
                amount=amount,
                fee=None,
                text=what,
            )


def _line_id(row: Mapping[str, str]) -> str:
    """A trade has one charge; everything else about it is told apart by its own number, or its moment."""
    trade, kind = row[_TRADE], row[_KIND]
    if kind == _CHARGE:
        return trade
    if kind == _REFUND:
        return f"{trade}:{row[_REQUEST] or row[_DONE]}"
    return f"{trade}:{kind}:{row[_DONE]}"


def _signed(amount: Money, way: int) -> Money:
    return Money(way * abs(amount.amount), amount.currency)


def _amount(cell: str) -> Money:
    try:
        return money(Decimal(cell or "0"))
    except InvalidOperation:
        message = "no amount"
        raise ValueError(message) from None

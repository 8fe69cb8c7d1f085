"""The vendor's trade bill of a day, as the movements it tells of.

The bill is text: a line of names, a line for each movement, a line of names and a line of sums. Every
value begins with a back quote, so that a comma inside a value separates nothing. Amounts are in yuan,
times in China's.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Final

from commercekit.kernel import Money
from commercekit.payments import StatementKind, StatementLine
from commercekit.platform.providers import ProviderContext, ProviderUnknown
from commercekit_payment_wechatpay import wire
from commercekit_payment_wechatpay.client import Refused, call, download
from commercekit_payment_wechatpay.codes import is_code
from commercekit_payment_wechatpay.money import yuan
from commercekit_payment_wechatpay.orders import CHINA

__all__ = ["lines_of", "statement"]

_UNREADABLE: Final = "bill-unreadable"
_GZIP: Final = b"\x1f\x8b"
_MOST: Final = 512 * 1024 * 1024
"""Bytes of a bill, more than a million movements."""
_SUMS: Final = "总交易单数"
_CAME_BACK: Final = "FAIL"
"""A refund that did not go out after all: nothing moved."""


async def statement(ctx: ProviderContext, day: date) -> AsyncIterator[StatementLine]:
    """Every movement of ``day``, in the bill's order.

    Raises ``ProviderUnavailable`` while the bill is being made, ``ProviderUnknown`` for one that is not
    whole: nothing is booked of half a bill.
    """
    try:
        target = f"/v3/bill/tradebill?bill_date={day}&bill_type=ALL&tar_type=GZIP"
        bill = (await call(ctx, "GET", target)).read(wire.Bill)
        packed = await download(ctx, bill.download_url)
    except Refused as refused:
        if is_code(refused.code, "NO_STATEMENT_EXIST"):
            return  # Nothing was sold on that day.
        raise refused.error() from None
    # All of it is read before any of it is told; a large one takes seconds, which nobody waits for.
    for line in await asyncio.to_thread(_checked, day, bill, packed):
        yield line


def _checked(day: date, bill: wire.Bill, packed: bytes) -> list[StatementLine]:
    text = _unpacked(packed)
    # The file itself comes unsigned; its digest came signed. The digest is of the vendor's choosing.
    digest = hashlib.sha1(text, usedforsecurity=False).hexdigest()
    if bill.hash_type != "SHA1" or not hmac.compare_digest(digest, bill.hash_value.lower()):
        code = "bill-not-whole"
        raise ProviderUnknown(code, f"the bill of {day} is not the one that was announced")
    return lines_of(text)


def _unpacked(packed: bytes) -> bytes:
    if not packed.startswith(_GZIP):
        return packed  # Unpacked on the way already.
    reader = zlib.decompressobj(wbits=31)
    try:
        text = reader.decompress(packed, _MOST)
    except zlib.error:
        text = b""
    if not reader.eof:
        raise ProviderUnknown(_UNREADABLE, "the bill is cut off, or larger than a bill can be")
    return text


def lines_of(text: bytes) -> list[StatementLine]:
    """The movements in a bill; raises ``ProviderUnknown`` when it cannot be read."""
    try:
        return [line for row in _rows(text.decode("utf-8-sig")) for line in _movements(row)]
    except (KeyError, ValueError) as error:
        raise ProviderUnknown(_UNREADABLE, f"{type(error).__name__} in the bill") from None


def _rows(text: str) -> Iterator[Mapping[str, str]]:
    first, *rest = text.splitlines()
    names = first.split(",")
    for line in rest:
        if line.startswith(_SUMS):
            return
        values = line.removeprefix("`").split(",`")
        if (
            len(values) < len(names) - 1
        ):  # The remark on the rate, the last, is newer than the rest.
            raise ValueError(line)
        yield dict(zip(names, values, strict=False))
    # Without its sums a bill was cut off.
    raise ValueError(_SUMS)


def _movements(row: Mapping[str, str]) -> Iterator[StatementLine]:
    trade, at = row["微信订单号"], _moment(row["交易时间"])
    payment_id, fee = row["商户订单号"], yuan(row["手续费"])
    if row["交易状态"] == "SUCCESS":
        amount, settled = yuan(row["订单金额"]), yuan(row["应结订单金额"])
        yield StatementLine(
            line_id=trade,
            kind=StatementKind.CHARGE,
            amount=amount,
            fee=fee,
            payment_id=payment_id,
            provider_ref=trade,
            text=row["交易类型"],
            occurred_at=at,
        )
        line_id, refund_id, short = f"{trade}:coupon", None, settled.amount - amount.amount
    else:
        if row["退款状态"] == _CAME_BACK:
            return
        refund, refund_id = row["微信退款单号"], row["商户退款单号"]
        asked, gone = yuan(row["申请退款金额"]), yuan(row["退款金额"])
        yield StatementLine(
            line_id=f"{trade}:{refund}",
            kind=StatementKind.REFUND,
            amount=Money(-asked.amount, asked.currency),
            fee=fee,
            payment_id=payment_id,
            refund_id=refund_id,
            provider_ref=refund,
            text=row["退款类型"],
            occurred_at=at,
        )
        line_id, short = f"{trade}:{refund}:coupon", asked.amount - gone.amount
    if short:
        # A coupon that the shop itself pays for: so much of the price never reached the account.
        yield StatementLine(
            line_id=line_id,
            kind=StatementKind.ADJUSTMENT,
            amount=Money(short, fee.currency),
            payment_id=payment_id,
            refund_id=refund_id,
            provider_ref=trade,
            text="免充值券 coupon of the shop's own",
            occurred_at=at,
        )


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA).astimezone(UTC)

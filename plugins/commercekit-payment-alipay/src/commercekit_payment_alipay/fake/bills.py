"""The fake's daily bill, as the vendor packs it: GBK, tabs against spreadsheets, a summary beside it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from commercekit_payment_alipay.fake.books import Books, Refund, Trade, in_yuan
from commercekit_payment_alipay.times import day_of, wall

__all__ = ["bill_of", "has_trades"]

_COLUMNS: Final = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,"
    "券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)


def has_trades(books: Books, day: date) -> bool:
    """Whether money moved on ``day``: the vendor writes no bill of a day without."""
    return any(_rows(books, day))


def bill_of(books: Books, day: date, seller_id: str) -> bytes:
    """The ZIP of ``day``."""
    rows = list(_rows(books, day))
    until = day + timedelta(days=1)
    head = [
        f"#账号：[{seller_id}0156]",
        f"#起始日期：[{day:%Y年%m月%d日} 00:00:00]   终止日期：[{until:%Y年%m月%d日} 00:00:00]",
    ]
    details = [
        "#支付宝业务明细查询",
        *head,
        "#-----------------------------------------业务明细列表----------------------------------------",
        _COLUMNS,
        *rows,
        "#-----------------------------------------业务明细列表结束------------------------------------",
        f"#导出时间：[{until:%Y年%m月%d日} 09:00:00]",
    ]
    summary = [
        "#支付宝业务汇总查询",
        *head,
        "#-----------------------------------------业务汇总列表----------------------------------------",
        "门店编号,门店名称,交易订单总笔数,退款订单总笔数",
        "#----------------------------------------业务汇总列表结束-------------------------------------",
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bill:
        for name, lines in (("业务明细(汇总)", summary), ("业务明细", details)):
            member = f"{seller_id}0156_{day:%Y%m%d}_{name}.csv"
            # The vendor's names are in GBK, and its ZIP does not say so.
            raw = member.encode("gbk").decode("cp437")
            bill.writestr(raw, ("\r\n".join(lines) + "\r\n").encode("gb18030"))
    return packed.getvalue()


def _rows(books: Books, day: date) -> Iterator[str]:
    for trade in books.trades.values():
        if trade.paid_at is not None and day_of(trade.paid_at) == day:
            yield _charge(trade)
        yield from (_refund(trade, each) for each in trade.refunds if day_of(each.at) == day)


def _charge(trade: Trade) -> str:
    total, at = in_yuan(trade.request.total), wall(trade.paid_at or trade.created_at)
    return _row(trade, "交易", at, total, "", f"-{in_yuan(trade.fee)}")


def _refund(trade: Trade, refund: Refund) -> str:
    amount, fee = f"-{in_yuan(refund.amount)}", in_yuan(refund.fee)
    return _row(trade, "退款", wall(refund.at), amount, refund.out_request_no, fee)


def _row(trade: Trade, kind: str, at: str, amount: str, request: str, fee: str) -> str:
    nothing = ["0.00"] * 5
    return ",".join(
        [
            f"{trade.trade_no}\t",
            f"{trade.request.out_trade_no}\t",
            kind,
            trade.request.subject,
            wall(trade.created_at),
            at,
            *["\t"] * 4,
            "*买家(138****0000)\t",
            amount,
            amount,
            *nothing,
            "",
            "0.00\t",
            "0.00",
            f"{request}\t",
            fee,
            "0.00",
            "",
        ]
    )

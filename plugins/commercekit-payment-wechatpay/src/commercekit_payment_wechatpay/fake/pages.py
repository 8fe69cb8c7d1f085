"""The pages of the fake: where the shopper pays, and where a developer sees all there is."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from string import Template
from typing import Final

import httpx

from commercekit_payment_wechatpay.fake.books import Order, Refund

__all__ = ["language_of", "pay_page", "said_page", "start_page"]

_PAGE: Final = Template("""<!doctype html>
<html lang="$lang"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#ededed;color:#191919}
main{max-width:34rem;margin:2rem auto;padding:2rem;background:#fff;border-radius:.5rem}
h1{font-size:1.2rem;margin:0 0 1rem}.amount{font-size:2.4rem;margin:.5rem 0}
.note{color:#5c5c5c;font-size:.9rem}
button{font:inherit;padding:.7rem 1.5rem;border:0;border-radius:.3rem;margin:.5rem .5rem 0 0;cursor:pointer}
.yes{background:#05773d;color:#fff}.no{background:#e3e3e3;color:#191919}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem .3rem 0}
form{display:inline}
</style></head><body><main>$main</main></body></html>
""")
_TEXTS: Final = {
    "en": {
        "name": "WeChat Pay (played on this machine)",
        "note": "No money moves. This is a fake for developers.",
        "pay": "Pay",
        "decline": "Do not pay",
        "paid": "Paid",
        "declined": "Not paid. The order can still be paid until it is closed.",
        "over": "This order cannot be paid any more.",
        "unknown": "There is no such order.",
        "stale": "This link is older than five minutes. Go back to the shop and choose WeChat Pay again.",
        "unsigned": "The payment sheet is not signed as this merchant signs.",
        "back": "Back to the shop",
        "orders": "Orders that wait for money",
        "refunds": "Refunds on their way",
        "none": "None.",
        "succeed": "Arrives",
        "abnormal": "Card is gone",
        "close": "Comes back",
        "done": "Done",
    },
    "zh": {
        "name": "微信支付（本机模拟）",
        "note": "不会发生真实资金往来，仅供开发者试用。",
        "pay": "确认支付",
        "decline": "暂不支付",
        "paid": "支付成功",
        "declined": "未支付。订单关闭之前仍可支付。",
        "over": "该订单已不能支付。",
        "unknown": "没有这个订单。",
        "stale": "链接已超过五分钟，请返回商城重新选择微信支付。",
        "unsigned": "支付参数的签名不是该商户的。",
        "back": "返回商城",
        "orders": "等待支付的订单",
        "refunds": "处理中的退款",
        "none": "没有。",
        "succeed": "到账",
        "abnormal": "退款异常（卡已失效）",
        "close": "退款关闭",
        "done": "完成",
    },
}


def language_of(request: httpx.Request) -> str:
    """``zh`` for browsers that prefer it, else ``en``."""
    wanted = request.url.params.get("lang") or request.headers.get("accept-language", "")
    return "zh" if wanted.lower().startswith("zh") else "en"


def pay_page(order: Order, back: str, lang: str) -> httpx.Response:
    """What is to be paid, and two buttons."""
    texts = _TEXTS[lang]
    hidden = f'<input type="hidden" name="redirect_url" value="{escape(back)}">' if back else ""
    main = (
        f"<h1>{escape(texts['name'])}</h1><p>{escape(order.description)}</p>"
        f'<p class="amount">¥ {_yuan(order.total)}</p>'
        f'<form method="post" action="/pay/{escape(order.prepay_id)}?lang={lang}">{hidden}'
        f'<button class="yes" name="action" value="pay">{escape(texts["pay"])}</button>'
        f'<button class="no" name="action" value="decline">{escape(texts["decline"])}</button></form>'
        f'<p class="note">{escape(texts["note"])}</p>'
    )
    return _page(200, texts["name"], main, lang)


def said_page(what: str, lang: str, *, back: str = "", status: int = 200) -> httpx.Response:
    """One sentence, and the way back."""
    texts = _TEXTS[lang]
    link = f'<p><a href="{escape(back)}">{escape(texts["back"])}</a></p>' if back else ""
    main = f"<h1>{escape(texts['name'])}</h1><p>{escape(texts[what])}</p>{link}"
    return _page(status, texts[what], main, lang)


def start_page(orders: Iterable[Order], refunds: Iterable[Refund], lang: str) -> httpx.Response:
    """Everything that somebody could do something about."""
    texts = _TEXTS[lang]
    waiting = "".join(
        f"<tr><td>{escape(each.description)}</td><td>¥ {_yuan(each.total)}</td><td>"
        f'<a href="/pay/{escape(each.prepay_id)}?lang={lang}">{escape(texts["pay"])}</a></td></tr>'
        for each in orders
    )
    going = "".join(_refund_row(each, texts, lang) for each in refunds)
    main = (
        f'<h1>{escape(texts["name"])}</h1><p class="note">{escape(texts["note"])}</p>'
        f"<h2>{escape(texts['orders'])}</h2><table>{waiting}</table>"
        f"{'' if waiting else escape(texts['none'])}"
        f"<h2>{escape(texts['refunds'])}</h2><table>{going}</table>"
        f"{'' if going else escape(texts['none'])}"
    )
    return _page(200, texts["name"], main, lang)


def _refund_row(refund: Refund, texts: dict[str, str], lang: str) -> str:
    buttons = "".join(
        f'<button class="no" name="status" value="{status}">{escape(texts[name])}</button>'
        for status, name in (("SUCCESS", "succeed"), ("ABNORMAL", "abnormal"), ("CLOSED", "close"))
    )
    return (
        f"<tr><td>{escape(refund.out_refund_no)}</td><td>¥ {_yuan(refund.amount)}</td><td>"
        f'<form method="post" action="/refunds/{escape(refund.out_refund_no)}?lang={lang}">'
        f"{buttons}</form></td></tr>"
    )


def _page(status: int, title: str, main: str, lang: str) -> httpx.Response:
    text = _PAGE.substitute(lang=lang, title=escape(title), main=main)
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
        "cache-control": "no-store",
    }
    return httpx.Response(status, headers=headers, content=text.encode())


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"

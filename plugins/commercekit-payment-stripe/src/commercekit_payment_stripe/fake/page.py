"""The vendor's payment page as HTML: one file, no script, no outside asset. Pure."""

from __future__ import annotations

from html import escape
from typing import Final

from commercekit.kernel import pick
from commercekit_payment_stripe.fake.books import Session, Way
from commercekit_payment_stripe.money import from_units

__all__ = ["HEADERS", "framed", "language_of", "message_page", "payment_page"]

HEADERS: Final = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}

_STYLE: Final = """\
:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:0;background:#f2f4f7;
color:#1a1f27}main{max-width:26rem;margin:8vh auto;padding:2rem;background:#fff;border-radius:.75rem}
h1{font-size:1.25rem;margin:0 0 1rem}dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem}
dt{color:#4a5565}dd{margin:0;text-align:end;font-weight:600}.notice,.error{padding:.75rem 1rem;
border-radius:.5rem;background:#fff6e0;color:#573d00}.error{background:#fde8e8;color:#7a1212}
button,.button{display:block;box-sizing:border-box;width:100%;margin:.75rem 0 0;padding:.75rem 1rem;
font:inherit;text-align:center;text-decoration:none;cursor:pointer;border:1px solid #8a94a3;
border-radius:.5rem;background:transparent;color:inherit}
button.main{background:#4b3fd1;border-color:#4b3fd1;color:#fff;font-weight:600}
button:focus-visible,select:focus-visible,summary:focus-visible,.button:focus-visible{
outline:3px solid #f0a202;outline-offset:2px}details{margin-top:1.5rem}
select{width:100%;padding:.5rem;font:inherit;margin-top:.5rem}
@media(prefers-color-scheme:dark){body{background:#11151a;color:#e8ebf0}main{background:#1b2129}
dt{color:#aab4c2}.notice{background:#3a2f12;color:#ffe3a3}.error{background:#4a1717;color:#ffd6d6}}
"""

_TEXTS: Final[dict[str, dict[str, str]]] = {
    "title": {"en": "Stripe, played on this machine", "zh": "Stripe（本机模拟）"},
    "notice": {
        "en": "A fake of the vendor. No money moves, and no card is asked for.",
        "zh": "这是服务商的模拟页面：不会产生真实扣款，也不会要求输入银行卡信息。",
    },
    "for": {"en": "For", "zh": "商品"},
    "amount": {"en": "Amount", "zh": "金额"},
    "pay": {"en": "Pay {amount}", "zh": "支付 {amount}"},
    "decline": {"en": "Have the card declined", "zh": "模拟银行卡被拒"},
    "back": {"en": "Back to the shop", "zh": "返回商店"},
    "declined": {
        "en": "The card was declined. Try another one.",
        "zh": "银行卡被拒绝，请换一张再试。",
    },
    "over": {"en": "This page is no longer valid.", "zh": "此页面已失效。"},
    "done": {"en": "This has been paid already.", "zh": "该订单已付款。"},
    "missing": {"en": "There is no such page.", "zh": "页面不存在。"},
    "more": {"en": "Try a bad day", "zh": "尝试异常情况"},
    "way": {"en": "What shall happen?", "zh": "选择结果"},
    "go": {"en": "Pay like this", "zh": "按此方式支付"},
    Way.CARD: {"en": "The card is charged", "zh": "扣款成功"},
    Way.DECLINED: {"en": "The card is declined", "zh": "银行卡被拒"},
    Way.BANK: {"en": "A bank debit that arrives a while later", "zh": "银行扣款稍后成功"},
    Way.BANK_FAILS: {"en": "A bank debit that fails a while later", "zh": "银行扣款稍后失败"},
    Way.REFUND_PENDING: {"en": "A card whose refunds take a while", "zh": "退款稍后到账的卡"},
    Way.REFUND_FAILS: {
        "en": "A card whose refunds succeed, and come back a while later",
        "zh": "退款先成功、稍后被退回的卡",
    },
    Way.DISPUTED: {
        "en": "A card whose bank asks for the money back a while later",
        "zh": "稍后被发卡行拒付（争议）的卡",
    },
}


def payment_page(session: Session, *, declined: bool) -> str:
    """Pay, be declined, or go back; other outcomes behind a fold."""
    language = language_of(session.locale)
    amount = from_units(session.amount, session.currency)
    shown = f"{amount.to_decimal():,} {amount.currency}"
    options = "".join(f'<option value="{way}">{_text(way, language)}</option>' for way in Way)
    error = f'<p class="error" role="alert">{_text("declined", language)}</p>' if declined else ""
    back = _back(session.cancel_url, language) if session.cancel_url else ""
    body = f"""<p class="notice">{_text("notice", language)}</p>{error}
<dl><dt>{_text("for", language)}</dt><dd>{escape(session.name)}</dd>
<dt>{_text("amount", language)}</dt><dd>{escape(shown)}</dd></dl>
<form method="post">
<button class="main" name="action" value="pay">{_text("pay", language, amount=shown)}</button>
<button name="action" value="decline">{_text("decline", language)}</button>
</form>{back}
<details><summary>{_text("more", language)}</summary>
<form method="post"><label>{_text("way", language)}
<select name="way">{options}</select></label>
<button name="action" value="pay">{_text("go", language)}</button></form></details>"""
    return framed(language, body)


def message_page(key: str, session: Session | None) -> str:
    """One sentence, and the way back to the shop."""
    language = language_of(session.locale if session else "en")
    body = f'<p role="status">{_text(key, language)}</p>'
    if session is not None:
        body += _back(session.success_url if key == "done" else session.cancel_url, language)
    return framed(language, body)


def _back(url: str | None, language: str) -> str:
    return f'<a class="button" href="{escape(url)}">{_text("back", language)}</a>' if url else ""


def language_of(locale: str) -> str:
    """Chinese for who asks for it, else English."""
    return "zh" if locale.startswith("zh") else "en"


def _text(key: str, language: str, **values: str) -> str:
    return escape(pick(_TEXTS[key], [language]).format(**values))


def framed(language: str, body: str) -> str:
    """A whole page around ``body``."""
    title = _text("title", language)
    return f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><style>{_STYLE}</style></head>
<body><main><h1>{title}</h1>
{body}
</main></body></html>
"""

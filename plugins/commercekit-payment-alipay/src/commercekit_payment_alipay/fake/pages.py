"""The fake's page as HTML: one file, no script, no outside asset, a plain form. Pure."""

from __future__ import annotations

from html import escape
from typing import Final

from commercekit_payment_alipay.fake.books import Request, in_yuan
from commercekit_payment_alipay.fake.texts import text

__all__ = ["POLICY", "language_of", "payment_page", "sentence_page"]

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; background: #eef3fb; color: #16202e; }
main { max-width: 27rem; margin: 8vh auto; padding: 2rem; background: #fff; border-radius: .75rem; }
h1 { font-size: 1.25rem; margin: 0 0 1rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 1rem 0; }
dt { color: #4a5565; } dd { margin: 0; text-align: end; overflow-wrap: anywhere; font-weight: 600; }
.notice { padding: .75rem 1rem; background: #fff6e0; color: #573d00; border-radius: .5rem; }
button, .button { display: block; box-sizing: border-box; width: 100%; margin: .75rem 0 0;
  padding: .75rem 1rem; font: inherit; text-align: center; text-decoration: none; cursor: pointer;
  border: 1px solid #8a94a3; border-radius: .5rem; background: transparent; color: inherit; }
button.main { background: #0e5fd8; border-color: #0e5fd8; color: #fff; font-weight: 600; }
button:focus-visible, a:focus-visible { outline: 3px solid #f0a202; outline-offset: 2px; }
@media (prefers-color-scheme: dark) {
  body { background: #0f141b; color: #e8ebf0; } main { background: #1a212b; }
  dt { color: #aab4c2; } .notice { background: #3a2f12; color: #ffe3a3; }
}
"""

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"
"""What browsers are told: nothing from anywhere, no script at all."""


def language_of(accepted: str) -> str:
    """Chinese, unless the browser asks for English first."""
    first = accepted.partition(",")[0].strip().lower()
    return "en" if first.startswith("en") else "zh"


def payment_page(
    request: Request, proof: str, *, where: str, seller: str, language: str, failed: bool
) -> str:
    """Pay, or let it fail. ``proof`` is the merchant's signed request, which is checked again then."""
    amount = in_yuan(request.total)
    rows = (
        ("for", request.subject),
        ("payee", seller),
        ("number", request.out_trade_no),
        ("amount", f"CNY {amount}"),
    )
    listed = "".join(
        f"<dt>{escape(text(key, language))}</dt><dd>{escape(value)}</dd>" for key, value in rows
    )
    back = request.quit_url or request.return_url
    declined = f'<p role="alert">{escape(text("declined", language))}</p>' if failed else ""
    body = f"""<p class="notice">{escape(text("notice", language))}</p>{declined}
<dl>{listed}</dl>
<form method="post" action="{escape(where)}">
<input type="hidden" name="proof" value="{escape(proof)}">
<input type="hidden" name="language" value="{language}">
<button class="main" name="action" value="pay">{escape(text("pay", language).format(amount=amount))}</button>
<button name="action" value="decline">{escape(text("decline", language))}</button>
</form>{_link(back, language)}"""
    return _page(language, body)


def sentence_page(key: str, language: str, *, detail: str = "", back: str = "") -> str:
    """One sentence, and the way back to the shop."""
    said = escape(text(key, language)) + (f"<br><code>{escape(detail)}</code>" if detail else "")
    return _page(language, f'<p role="status">{said}</p>{_link(back, language)}')


def _link(back: str, language: str) -> str:
    if not back.startswith(("https://", "http://")):
        return ""
    return f'<a class="button" href="{escape(back)}">{escape(text("back", language))}</a>'


def _page(language: str, body: str) -> str:
    title = escape(text("title", language))
    spoken = "zh-CN" if language == "zh" else "en"
    return f"""<!doctype html>
<html lang="{spoken}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><style>{_STYLE}</style></head>
<body><main><h1>{title}</h1>
{body}
</main></body></html>
"""

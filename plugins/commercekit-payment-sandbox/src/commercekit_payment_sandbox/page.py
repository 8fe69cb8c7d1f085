"""The payment page as HTML: one file, no script, no outside asset. Pure."""

from __future__ import annotations

from html import escape

from commercekit.kernel import Money
from commercekit.payments import CaptureMode
from commercekit_payment_sandbox.models import Ticket
from commercekit_payment_sandbox.scenarios import Scenario
from commercekit_payment_sandbox.texts import language_of, text

__all__ = ["STYLE", "message_page", "payment_page"]

STYLE = """\
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; background: #f2f4f7; color: #1a1f27; }
main { max-width: 26rem; margin: 8vh auto; padding: 2rem; background: #fff; border-radius: .75rem; }
h1 { font-size: 1.25rem; margin: 0 0 1rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 1rem 0; }
dt { color: #4a5565; } dd { margin: 0; text-align: end; font-weight: 600; }
.notice { padding: .75rem 1rem; background: #fff6e0; color: #573d00; border-radius: .5rem; }
button, .button { display: block; box-sizing: border-box; width: 100%; margin: .75rem 0 0;
  padding: .75rem 1rem; font: inherit; text-align: center; text-decoration: none; cursor: pointer;
  border: 1px solid #8a94a3; border-radius: .5rem; background: transparent; color: inherit; }
button.main { background: #0b5cad; border-color: #0b5cad; color: #fff; font-weight: 600; }
button:focus-visible, select:focus-visible, summary:focus-visible, .button:focus-visible {
  outline: 3px solid #f0a202; outline-offset: 2px; }
details { margin-top: 1.5rem; } select { width: 100%; padding: .5rem; font: inherit; margin-top: .5rem; }
@media (prefers-color-scheme: dark) {
  body { background: #11151a; color: #e8ebf0; } main { background: #1b2129; }
  dt { color: #aab4c2; } .notice { background: #3a2f12; color: #ffe3a3; }
}
"""

_ON_THE_PAGE = [scenario for scenario in Scenario if scenario is not Scenario.CREATE_TIMEOUT]
_WHEN_HELD = (Scenario.CAPTURE_TIMEOUT, Scenario.CAPTURE_FAIL)


def payment_page(ticket: Ticket, style_url: str) -> str:
    """Pay, decline or cancel; other outcomes behind a fold."""
    language = language_of(ticket.locale)
    amount = _amount(ticket.amount)
    held = ticket.capture is CaptureMode.MANUAL
    options = "".join(
        f'<option value="{scenario}">{escape(text(scenario, language))}</option>'
        for scenario in _ON_THE_PAGE
        if held or scenario not in _WHEN_HELD
    )
    pay = escape(text("pay", language).format(amount=amount))
    body = f"""<p class="notice">{escape(text("notice", language))}</p>
<dl><dt>{escape(text("for", language))}</dt><dd>{escape(ticket.subject)}</dd>
<dt>{escape(text("amount", language))}</dt><dd>{escape(amount)}</dd></dl>
<form method="post">
<button class="main" name="action" value="pay">{pay}</button>
<button name="action" value="decline">{escape(text("decline", language))}</button>
<button name="action" value="cancel">{escape(text("cancel", language))}</button>
</form>
<details><summary>{escape(text("more", language))}</summary>
<form method="post"><label>{escape(text("scenario", language))}
<select name="scenario">{options}</select></label>
<button name="action" value="pay">{escape(text("go", language))}</button></form></details>"""
    return _page(language, body, style_url)


def message_page(key: str, language: str, style_url: str, *, back: str | None = None) -> str:
    """One sentence, and the way back to the shop."""
    body = f'<p role="status">{escape(text(key, language))}</p>'
    if back:
        body += f'<a class="button" href="{escape(back)}">{escape(text("back", language))}</a>'
    return _page(language, body, style_url)


def _amount(amount: Money) -> str:
    return f"{amount.to_decimal():,} {amount.currency}"


def _page(language: str, body: str, style_url: str) -> str:
    title = escape(text("title", language))
    return f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><link rel="stylesheet" href="{escape(style_url)}"></head>
<body><main><h1>{title}</h1>
{body}
</main></body></html>
"""

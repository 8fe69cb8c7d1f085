"""What a merchant does in the vendor's dashboard, as far as a shop has to hear of it. Pure but for moves."""

from __future__ import annotations

from html import escape
from typing import Final

from commercekit.kernel import pick
from commercekit.payments import DisputeState
from commercekit_payment_stripe.fake.books import Books, Charge, Refund
from commercekit_payment_stripe.fake.moves import Moves
from commercekit_payment_stripe.fake.page import framed
from commercekit_payment_stripe.money import from_units

__all__ = ["act", "dashboard_page"]

_SHOWN: Final = 50
_DISPUTES: Final = {
    "dispute": DisputeState.NEEDS_RESPONSE,
    "inquiry": DisputeState.INQUIRY,
    "answer": DisputeState.UNDER_REVIEW,
    "win": DisputeState.WON,
    "lose": DisputeState.LOST,
}
_TEXTS: Final[dict[str, dict[str, str]]] = {
    "payments": {"en": "Payments", "zh": "付款"},
    "none": {
        "en": "Nobody has paid yet. Place an order in the shop, and pay it with Stripe.",
        "zh": "还没有付款。请在商店下单并选择 Stripe 支付。",
    },
    "waiting": {
        "en": "Webhooks that the shop has not taken yet: {count}",
        "zh": "商店尚未接收的通知：{count}",
    },
    "state": {
        "en": "captured {captured}, refunded {refunded}",
        "zh": "已扣 {captured}，已退 {refunded}",
    },
    "held": {"en": "held {amount}", "zh": "预授权 {amount}"},
    "disputed": {"en": "dispute: {status}", "zh": "争议：{status}"},
    "refund": {"en": "Refund the rest here", "zh": "在此退还余额"},
    "fail": {"en": "Have the last refund fail", "zh": "令最近一笔退款失败"},
    "inquiry": {"en": "The bank asks", "zh": "银行询问"},
    "dispute": {"en": "The bank asks for the money back", "zh": "银行拒付"},
    "answer": {"en": "Answer with evidence", "zh": "提交证据"},
    "win": {"en": "The dispute is won", "zh": "争议胜诉"},
    "lose": {"en": "The dispute is lost", "zh": "争议败诉"},
}


def dashboard_page(books: Books, language: str) -> str:
    """The last payments, each with what can happen to it."""
    waiting = sum(1 for event in books.events.values() if event.due is not None)
    charges = list(books.charges.values())[-_SHOWN:][::-1]
    listed = "".join(_charge(books, charge, language) for charge in charges)
    if not listed:
        listed = f"<p>{_text('none', language)}</p>"
    count = _text("waiting", language, count=str(waiting))
    return framed(language, f"<h2>{_text('payments', language)}</h2><p>{count}</p>{listed}")


def act(moves: Moves, charge: Charge, action: str, now: int) -> bool:
    """Do what a button says; False for what cannot be done now."""
    if action not in _actions(moves.books, charge):
        return False
    if action == "refund":
        moves.refund(
            Refund(
                id=moves.books.name("re"),
                charge=charge.id,
                intent=charge.intent,
                created=now,
                amount=charge.captured - charge.refunded,
                currency=charge.currency,
                status="pending",
                metadata={},
                reason="requested_by_customer",
            )
        )
    elif action == "fail":
        refund = _last_refund(moves.books, charge)
        if refund is not None:
            moves.settle_refund(refund, succeeds=False)
    else:
        moves.dispute(charge, _DISPUTES[action])
    return True


def _actions(books: Books, charge: Charge) -> list[str]:
    """What can happen to a charge in its state."""
    dispute = books.disputes.get(charge.dispute or "")
    if not charge.captured:
        return []
    if dispute is not None:
        return {
            "warning_needs_response": ["dispute"],
            "needs_response": ["answer", "win", "lose"],
            "under_review": ["win", "lose"],
        }.get(dispute.status, [])
    possible = []
    if charge.refunded < charge.captured:
        possible += ["refund", "inquiry", "dispute"]
    if _last_refund(books, charge) is not None:
        possible.append("fail")
    return possible


def _last_refund(books: Books, charge: Charge) -> Refund | None:
    made = [
        each
        for each in books.refunds.values()
        if each.charge == charge.id and each.status in ("pending", "succeeded")
    ]
    return made[-1] if made else None


def _charge(books: Books, charge: Charge, language: str) -> str:
    name = books.intents[charge.intent].description or charge.id
    state = _text(
        "state",
        language,
        captured=_money(charge.captured, charge.currency),
        refunded=_money(charge.refunded, charge.currency),
    )
    if not charge.captured:
        state = _text("held", language, amount=_money(charge.amount, charge.currency))
    dispute = books.disputes.get(charge.dispute or "")
    if dispute is not None:
        state += "; " + _text("disputed", language, status=dispute.status)
    buttons = "".join(
        f'<button name="action" value="{action}">{_text(action, language)}</button>'
        for action in _actions(books, charge)
    )
    return (
        f'<section><h3>{escape(name)}</h3><p>{state}</p><form method="post" action="/{charge.id}">'
        f"{buttons}</form></section>"
    )


def _money(units: int, currency: str) -> str:
    amount = from_units(units, currency)
    return f"{amount.to_decimal():,} {amount.currency}"


def _text(key: str, language: str, **values: str) -> str:
    return escape(pick(_TEXTS[key], [language]).format(**values))

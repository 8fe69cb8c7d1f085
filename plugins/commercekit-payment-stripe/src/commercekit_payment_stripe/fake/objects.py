"""The vendor's objects as JSON, as of the API version that the plugin asks for."""

from __future__ import annotations

from typing import Any, Final

from commercekit_payment_stripe.fake.books import (
    Books,
    Charge,
    Dispute,
    Event,
    Intent,
    Refund,
    Session,
    Transaction,
)
from commercekit_payment_stripe.wire import VERSION

__all__ = ["Objects", "event_json"]

_LAST_FOUR: Final = "4242"


class Objects:
    """Shows what is in the books; other objects as ids, unless they are asked for."""

    def __init__(self, books: Books, address: str) -> None:
        self._books = books
        self._address = address

    def of(self, key: str, expand: list[str] | None = None) -> dict[str, Any]:
        """Any object by its id, with what ``expand`` names in place of ids."""
        said = self._plain(key)
        for path in expand or ():
            self._expand(said, path.split("."))
        return said

    def _plain(self, key: str) -> dict[str, Any]:
        books = self._books
        if key in books.sessions:
            return self.session(books.sessions[key])
        if key in books.intents:
            return self.intent(books.intents[key])
        if key in books.charges:
            return self.charge(books.charges[key])
        if key in books.refunds:
            return self.refund(books.refunds[key])
        if key in books.disputes:
            return self.dispute(books.disputes[key])
        return self.movement(books.transactions[key])

    def _expand(self, said: dict[str, Any], path: list[str]) -> None:
        name, rest = path[0], path[1:]
        value = said.get(name)
        if isinstance(value, str):
            try:
                value = said[name] = self.of(value)
            except KeyError:
                return
        if rest and isinstance(value, dict):
            self._expand(value, rest)

    def session(self, one: Session) -> dict[str, Any]:
        """A Checkout Session."""
        url = f"{self._address}/c/pay/{one.id}" if one.status == "open" else None
        return {
            "id": one.id,
            "object": "checkout.session",
            "adaptive_pricing": {"enabled": False},
            "amount_subtotal": one.amount,
            "amount_total": one.amount,
            "cancel_url": one.cancel_url,
            "client_reference_id": one.reference,
            "created": one.created,
            "currency": one.currency,
            "customer": None,
            "expires_at": one.expires_at,
            "livemode": False,
            "locale": one.locale,
            "metadata": one.metadata,
            "mode": "payment",
            "payment_intent": one.intent,
            "payment_method_types": one.methods,
            "payment_status": one.payment_status,
            "status": one.status,
            "success_url": one.success_url,
            "ui_mode": "hosted_page",
            "url": url,
        }

    def intent(self, one: Intent) -> dict[str, Any]:
        """A PaymentIntent."""
        charge = self._books.charges.get(one.charge or "")
        held = one.amount if one.status == "requires_capture" and charge else 0
        error = one.error and {"type": "card_error", **one.error}
        return {
            "id": one.id,
            "object": "payment_intent",
            "amount": one.amount,
            "amount_capturable": held,
            "amount_received": one.received,
            "canceled_at": one.canceled_at,
            "capture_method": "manual" if one.manual else "automatic",
            "client_secret": one.secret,
            "created": one.created,
            "currency": one.currency,
            "description": one.description,
            "last_payment_error": error,
            "latest_charge": one.charge,
            "livemode": False,
            "metadata": one.metadata,
            "payment_method_types": one.methods,
            "status": one.status,
        }

    def charge(self, one: Charge) -> dict[str, Any]:
        """A charge; of the card only what the vendor shows of it."""
        return {
            "id": one.id,
            "object": "charge",
            "amount": one.amount,
            "amount_captured": one.captured,
            "amount_refunded": one.refunded,
            "balance_transaction": one.transaction,
            "captured": bool(one.captured),
            "created": one.created,
            "currency": one.currency,
            "disputed": one.dispute is not None,
            "livemode": False,
            "metadata": one.metadata,
            "paid": one.status == "succeeded",
            "payment_intent": one.intent,
            "payment_method_details": {
                "type": "card",
                "card": {"brand": "visa", "last4": _LAST_FOUR},
            },
            "refunded": bool(one.captured) and one.refunded == one.captured,
            "status": one.status,
        }

    def refund(self, one: Refund) -> dict[str, Any]:
        """A refund."""
        failed = {"failure_reason": one.failure_reason} if one.failure_reason else {}
        if one.failure_transaction:
            failed["failure_balance_transaction"] = one.failure_transaction
        return {
            "id": one.id,
            "object": "refund",
            "amount": one.amount,
            "balance_transaction": one.transaction,
            "charge": one.charge,
            "created": one.created,
            "currency": one.currency,
            "metadata": one.metadata,
            "payment_intent": one.intent,
            "reason": one.reason,
            "status": one.status,
            **failed,
        }

    def dispute(self, one: Dispute) -> dict[str, Any]:
        """A dispute, with the movements it has caused."""
        moved = [self.movement(self._books.transactions[key]) for key in one.transactions]
        return {
            "id": one.id,
            "object": "dispute",
            "amount": one.amount,
            "balance_transactions": moved,
            "charge": one.charge,
            "created": one.created,
            "currency": one.currency,
            "evidence_details": {
                "due_by": one.due_by,
                "has_evidence": one.status == "under_review",
                "past_due": False,
                "submission_count": int(one.status == "under_review"),
            },
            "is_charge_refundable": one.status.startswith("warning"),
            "livemode": False,
            "metadata": {},
            "payment_intent": one.intent,
            "reason": one.reason,
            "status": one.status,
        }

    def movement(self, one: Transaction) -> dict[str, Any]:
        """A movement on the balance."""
        return {
            "id": one.id,
            "object": "balance_transaction",
            "amount": one.amount,
            "available_on": one.created + 2 * 86_400,
            "created": one.created,
            "currency": one.currency,
            "description": None,
            "exchange_rate": None,
            "fee": one.fee,
            "net": one.amount - one.fee,
            "reporting_category": one.category,
            "source": one.source,
            "status": "pending",
            "type": one.type,
        }


def event_json(event: Event, said: dict[str, Any]) -> dict[str, Any]:
    """The notification about an object as it is now."""
    return {
        "id": event.id,
        "object": "event",
        "api_version": VERSION,
        "created": event.created,
        "data": {"object": said},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": event.type,
    }

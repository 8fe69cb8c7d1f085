"""What happens to money at the vendor, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from commercekit.payments import DisputeState
from commercekit_payment_stripe.fake.books import (
    Books,
    Charge,
    Dispute,
    Event,
    Intent,
    Later,
    Refund,
    Session,
    Transaction,
    Way,
)
from commercekit_payment_stripe.fake.objects import Objects, event_json
from commercekit_payment_stripe.snapshots import PAYMENT

__all__ = ["Moves"]

_FEE_PPM: Final = 29_000
_FEE_EACH: Final = 30
_DISPUTE_FEE: Final = 15_00
_EVIDENCE_WITHIN: Final = 9 * 86_400
_DELAYED: Final = frozenset({Way.BANK, Way.BANK_FAILS})
_DISPUTES: Final = {
    DisputeState.INQUIRY: "warning_needs_response",
    DisputeState.NEEDS_RESPONSE: "needs_response",
    DisputeState.UNDER_REVIEW: "under_review",
    DisputeState.WON: "won",
    DisputeState.LOST: "lost",
    DisputeState.CLOSED: "warning_closed",
}
_OVER: Final = frozenset({"won", "lost", "warning_closed"})


class Moves:
    """Changes the books the way the vendor does; every change is told by an event."""

    def __init__(self, books: Books, address: str, now: Callable[[], int], settle: int) -> None:
        self.books = books
        self.objects = Objects(books, address)
        self._now = now
        self._settle = settle

    # ------------------------------------------------------------------------------------- paying

    def open_intent(self, intent: Intent) -> Intent:
        """A PaymentIntent that nobody has paid yet."""
        self.books.intents[intent.id] = intent
        self._tell("payment_intent.created", intent.id, intent.metadata)
        return intent

    def pay_session(self, session: Session, way: Way) -> bool:
        """Have a shopper press the button; False if they were told no and are still there."""
        intent = self.books.intents.get(session.intent or "")
        if intent is None:
            intent = self.open_intent(
                Intent(
                    id=self.books.name("pi"),
                    secret="",
                    created=self._now(),
                    amount=session.amount,
                    currency=session.currency,
                    manual=session.manual,
                    description=session.description,
                    methods=session.methods,
                    metadata=session.intent_metadata,
                    session=session.id,
                )
            )
            intent.secret = f"{intent.id}_secret_{session.id}"
            session.intent = intent.id
        self.confirm(intent, way)
        if intent.status == "requires_payment_method":
            return False
        session.status = "complete"
        session.payment_status = "paid" if intent.status == "succeeded" else "unpaid"
        self._tell("checkout.session.completed", session.id, session.metadata)
        return True

    def confirm(self, intent: Intent, way: Way) -> None:
        """Try to pay a PaymentIntent."""
        intent.error = None
        if way is Way.DECLINED:
            self._decline(intent, "insufficient_funds")
        elif way in _DELAYED and not intent.manual:
            intent.status = "processing"
            self._tell("payment_intent.processing", intent.id, intent.metadata)
            self.later(way.value, intent.id)
        else:
            self._charge(intent, way)

    def arrive(self, intent: Intent, *, succeeds: bool) -> None:
        """The end of a payment that took a while."""
        if intent.status != "processing":
            return
        session = self.books.sessions.get(intent.session or "")
        if succeeds:
            self._charge(intent, Way.BANK)
        else:
            self._decline(intent, "debit_not_authorized")
        if session is not None:
            session.payment_status = "paid" if succeeds else "unpaid"
            outcome = "succeeded" if succeeds else "failed"
            name = f"checkout.session.async_payment_{outcome}"
            self._tell(name, session.id, session.metadata)

    def capture(self, intent: Intent, amount: int) -> None:
        """Take held money; the rest goes free."""
        charge = self.books.charges[intent.charge or ""]
        intent.status, intent.received = "succeeded", amount
        charge.captured = amount
        charge.transaction = self._move(amount, charge.currency, "charge", "charge", charge.id)
        session = self.books.sessions.get(intent.session or "")
        if session is not None:
            session.payment_status = "paid"
        self._tell("charge.captured", charge.id, charge.metadata)
        self._tell("payment_intent.succeeded", intent.id, intent.metadata)
        if charge.way is Way.DISPUTED:
            self.later("dispute", charge.id)

    def cancel(self, intent: Intent) -> None:
        """Give it up."""
        intent.status, intent.canceled_at = "canceled", self._now()
        self._tell("payment_intent.canceled", intent.id, intent.metadata)

    def expire(self, session: Session) -> None:
        """End a page."""
        session.status = "expired"
        intent = self.books.intents.get(session.intent or "")
        if intent is not None:
            self.cancel(intent)
        self._tell("checkout.session.expired", session.id, session.metadata)

    # ------------------------------------------------------------------------------------ refunds

    def refund(self, refund: Refund) -> Refund:
        """Send money back; what becomes of it depends on the card."""
        charge = self.books.charges[refund.charge]
        charge.refunded += refund.amount
        refund.transaction = self._move(
            -refund.amount, refund.currency, "refund", "refund", refund.id
        )
        self.books.refunds[refund.id] = refund
        refund.status = "pending" if charge.way is Way.REFUND_PENDING else "succeeded"
        self._tell("refund.created", refund.id, refund.metadata)
        self._tell("charge.refunded", charge.id, charge.metadata)
        if charge.way in (Way.REFUND_PENDING, Way.REFUND_FAILS):
            self.later(charge.way.value, refund.id)
        return refund

    def settle_refund(self, refund: Refund, *, succeeds: bool) -> None:
        """The end of a refund; banks give money back too."""
        if refund.status in ("failed", "canceled"):
            return
        before = refund.status
        if succeeds:
            refund.status = "succeeded"
        else:
            refund.status, refund.failure_reason = "failed", "expired_or_canceled_card"
            self.books.charges[refund.charge].refunded -= refund.amount
            refund.failure_transaction = self._move(
                refund.amount, refund.currency, "refund_failure", "refund_failure", refund.id
            )
            self._tell("refund.failed", refund.id, refund.metadata)
        if refund.status != before:
            self._tell("refund.updated", refund.id, refund.metadata)
            self._tell("charge.refund.updated", refund.id, refund.metadata)

    # ----------------------------------------------------------------------------------- disputes

    def dispute(self, charge: Charge, state: DisputeState) -> Dispute:
        """Bring a charge's dispute to ``state``, opening one if there is none."""
        dispute = self.books.disputes.get(charge.dispute or "")
        wanted = _DISPUTES[state]
        if dispute is None:
            first = wanted if state is DisputeState.INQUIRY else "needs_response"
            if state is DisputeState.CLOSED:
                first = "warning_needs_response"
            dispute = self._open_dispute(charge, first)
        if dispute.status != wanted and dispute.status not in _OVER:
            if not wanted.startswith("warning"):
                self._withdraw(dispute)
            dispute.status = wanted
            if wanted in ("won", "warning_closed") and dispute.transactions:
                self._reinstate(dispute)
            name = "closed" if wanted in _OVER else "updated"
            self._tell(f"charge.dispute.{name}", dispute.id, charge.metadata)
        return dispute

    def _open_dispute(self, charge: Charge, status: str) -> Dispute:
        dispute = Dispute(
            id=self.books.name("du"),
            charge=charge.id,
            intent=charge.intent,
            created=self._now(),
            amount=charge.captured - charge.refunded,
            currency=charge.currency,
            status=status,
            reason="fraudulent",
            due_by=self._now() + _EVIDENCE_WITHIN,
        )
        self.books.disputes[dispute.id] = dispute
        charge.dispute = dispute.id
        if not status.startswith("warning"):
            self._withdraw(dispute, tell=False)
        self._tell("charge.dispute.created", dispute.id, charge.metadata)
        if dispute.transactions:
            self._tell("charge.dispute.funds_withdrawn", dispute.id, charge.metadata)
        return dispute

    def _withdraw(self, dispute: Dispute, *, tell: bool = True) -> None:
        if dispute.transactions:
            return
        moved = self._move(
            -dispute.amount,
            dispute.currency,
            "adjustment",
            "dispute",
            dispute.id,
            fee=_DISPUTE_FEE,
        )
        dispute.transactions.append(moved)
        if tell:
            metadata = self.books.charges[dispute.charge].metadata
            self._tell("charge.dispute.funds_withdrawn", dispute.id, metadata)

    def _reinstate(self, dispute: Dispute) -> None:
        moved = self._move(
            dispute.amount, dispute.currency, "adjustment", "dispute_reversal", dispute.id, fee=0
        )
        dispute.transactions.append(moved)
        metadata = self.books.charges[dispute.charge].metadata
        self._tell("charge.dispute.funds_reinstated", dispute.id, metadata)

    # --------------------------------------------------------------------------------------- later

    def later(self, what: str, about: str) -> None:
        """Have it happen a while from now."""
        self.books.later.append(Later(at=self._now() + self._settle, what=what, about=about))

    def tick(self) -> None:
        """Have happen what is due by now."""
        now, books = self._now(), self.books
        due = [each for each in books.later if each.at <= now]
        books.later = [each for each in books.later if each.at > now]
        for each in due:
            if each.what in (Way.BANK, Way.BANK_FAILS):
                self.arrive(books.intents[each.about], succeeds=each.what == Way.BANK)
            elif each.what in (Way.REFUND_PENDING, Way.REFUND_FAILS):
                succeeds = each.what == Way.REFUND_PENDING
                self.settle_refund(books.refunds[each.about], succeeds=succeeds)
            elif each.what == "dispute":
                self.dispute(books.charges[each.about], DisputeState.NEEDS_RESPONSE)
        for session in books.sessions.values():
            if session.status == "open" and session.expires_at <= now:
                self.expire(session)

    # -------------------------------------------------------------------------------------- inside

    def _charge(self, intent: Intent, way: Way) -> None:
        charge = Charge(
            id=self.books.name("ch"),
            intent=intent.id,
            created=self._now(),
            amount=intent.amount,
            currency=intent.currency,
            way=way,
            metadata=dict(intent.metadata),
        )
        self.books.charges[charge.id] = charge
        intent.charge = charge.id
        self._tell("charge.succeeded", charge.id, charge.metadata)
        if intent.manual:
            intent.status = "requires_capture"
            self._tell("payment_intent.amount_capturable_updated", intent.id, intent.metadata)
            return
        self.capture(intent, intent.amount)

    def _decline(self, intent: Intent, why: str) -> None:
        intent.status = "requires_payment_method"
        intent.error = {"code": "card_declined", "decline_code": why, "message": "Declined."}
        self._tell("payment_intent.payment_failed", intent.id, intent.metadata)

    def _move(
        self,
        amount: int,
        currency: str,
        kind: str,
        category: str,
        source: str,
        *,
        fee: int | None = None,
    ) -> str:
        if fee is None:
            fee = amount * _FEE_PPM // 1_000_000 + _FEE_EACH if category == "charge" else 0
        movement = Transaction(
            id=self.books.name("txn"),
            created=self._now(),
            amount=amount,
            currency=currency,
            fee=fee,
            type=kind,
            category=category,
            source=source,
        )
        self.books.transactions[movement.id] = movement
        return movement.id

    def _tell(self, kind: str, about: str, metadata: dict[str, str]) -> None:
        event = Event(
            id=self.books.name("evt"),
            type=kind,
            created=self._now(),
            body=b"",
            about=metadata.get(PAYMENT, ""),
            due=self._now(),
        )
        said: dict[str, Any] = self.objects.of(about)
        event.body = msgspec.json.encode(event_json(event, said))
        self.books.events[event.id] = event

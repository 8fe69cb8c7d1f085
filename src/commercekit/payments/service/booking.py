"""What a provider said of a payment becomes rows, evidence, ledger, history and facts.

Composing decides and collects, without any I/O; writing sends everything that was composed, of one
payment or of many, in one statement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from commercekit.kernel import Money
from commercekit.payments.events import (
    PaymentAuthorised,
    PaymentCaptured,
    PaymentClosed,
    PaymentFact,
    PaymentFailed,
    PaymentMismatched,
    PaymentNeedsAttention,
    PaymentPaid,
    PaymentPaidLate,
    PaymentPending,
)
from commercekit.payments.models import (
    Account,
    AttentionKind,
    Operation,
    Payment,
    PaymentStatus,
)
from commercekit.payments.providers import PaymentState
from commercekit.payments.repository import Draft, evidence_row, write
from commercekit.payments.rules import (
    Mismatch,
    PaymentChange,
    clearing_account,
    judge_payment,
    next_query,
    suspense_account,
)
from commercekit.payments.service.desk import Desk, logger

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.payments.providers import Action, PaymentSnapshot
    from commercekit.platform.db import UnitOfWork

__all__ = ["PROVIDER", "Booking", "book_payment", "said"]

PROVIDER = "provider"
"""The actor of what a provider told, in histories."""

_OPEN = (PaymentStatus.CREATED, PaymentStatus.PENDING)
_WITH_MONEY = (PaymentStatus.AUTHORISED, PaymentStatus.PAID, PaymentStatus.MISMATCH)
"""What is only believed with evidence: a notification, an answer, or somebody's word."""


def said(snapshot: PaymentSnapshot) -> str:
    """What a snapshot is evidence of; a capture that is not the last is one of money, too."""
    part = snapshot.state is PaymentState.AUTHORISED and snapshot.captured
    return "captured" if part else snapshot.state.value


@dataclass(slots=True)
class Booking:
    """Changes to locked payments that were composed and are not written yet."""

    desk: Desk
    uow: UnitOfWork
    draft: Draft = field(init=False)
    facts: list[PaymentFact] = field(default_factory=list)
    _calls: dict[UUID, PaymentNeedsAttention] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.draft = Draft(self.uow.clock.now())

    def compose(
        self,
        payment: Payment,
        snapshot: PaymentSnapshot,
        *,
        source: str,
        actor: str = PROVIDER,
        foreign_account: bool = False,
        event_id: str | None = None,
        action: Action | None = None,
    ) -> Payment:
        """Collect what ``snapshot`` changes on a locked payment; gives it as it will be.

        ``event_id`` names evidence that is noted already; without it the change is its own evidence.
        """
        change = judge_payment(payment, snapshot, foreign_account=foreign_account)
        draft = self.draft
        after = _applied(payment, change, snapshot)
        due = _due(after, draft.now)
        if after == payment and not change.note and action is None:
            draft.save(payment, next_query_at=due)
            return payment
        after = msgspec.structs.replace(after, version=payment.version + 1, updated_at=draft.now)
        sealed = self.desk.rows.sealed_action(payment.id, action)
        draft.save(after, next_query_at=due, action=sealed)
        moved = after.status is not payment.status
        taken = after.captured.amount - payment.captured.amount
        if (moved or taken) and event_id is None and after.status in _WITH_MONEY:
            self._evidence(after, snapshot, source)
        if moved or taken or change.note:
            draft.note(
                payment.id,
                actor=actor,
                event=_step(after, moved=moved, taken=taken),
                before=payment.status.value,
                after=after.status.value,
                detail=change.note
                or (after.failure_code or (str(after.captured) if taken else "")),
            )
        if taken:
            draft.post(
                after,
                kind="capture",
                amount=taken,
                debit=clearing_account(after.gateway, after.account),
                credit=Account.RECEIVED,
            )
        if moved and after.status is PaymentStatus.MISMATCH:
            self._quarantine(after, change, snapshot)
        if moved:
            self.facts += _payment_facts(after, change)
        elif taken:
            fact = PaymentCaptured(**_told(after), amount=taken, captured=after.captured.amount)
            self.facts.append(fact)
        if moved or payment.operation is not after.operation:
            draft.settle_attention(payment.id, AttentionKind.UNANSWERED)
        self._warn(payment, change)
        return after

    def call_for_attention(
        self, payment: Payment, kind: AttentionKind, detail: str, *, refund_id: UUID | None = None
    ) -> None:
        """Have a person look at it; a log line, a metric, a list, and a fact, once."""
        attention_id = self.draft.call_for_attention(payment, kind, detail, refund_id)
        self._calls[attention_id] = PaymentNeedsAttention(
            **_told(payment),
            amount=payment.amount.amount,
            attention_id=attention_id,
            kind=kind.value,
            refund_id=refund_id,
        )

    async def write(self) -> None:
        """Write what was composed and tell it; composing may go on with a new booking."""
        made = await write(self.uow, self.draft)
        self.uow.publish(*self.facts)
        for attention_id, call in self._calls.items():
            if attention_id in made:
                logger.error(
                    "payment %s needs a person: %s (attention %s)",
                    call.payment_id,
                    call.kind,
                    attention_id,
                )
                self.uow.publish(call)

    def _quarantine(self, after: Payment, change: PaymentChange, snapshot: PaymentSnapshot) -> None:
        """Money that is not what was asked lies at the provider all the same, if it is the shop's."""
        came = change.received
        paid = snapshot.state is PaymentState.PAID and change.mismatch is not Mismatch.ACCOUNT
        if paid and came is not None and came.amount > 0:
            self.draft.post(
                after,
                kind="quarantine",
                amount=came.amount,
                currency=came.currency,
                debit=clearing_account(after.gateway, after.account),
                credit=suspense_account(after.gateway, after.account),
            )

    def _evidence(self, after: Payment, snapshot: PaymentSnapshot, source: str) -> None:
        part = after.status is PaymentStatus.AUTHORISED and after.captured
        what = f"captured-{after.captured.amount}" if part else after.status.value
        self.draft.events.append(
            evidence_row(
                gateway=after.gateway,
                account=after.account,
                event_id=f"{source}:{after.id.hex}:{what}",
                source=source,
                kind="payment",
                state=said(snapshot),
                payment_id=after.id,
                refund_id=None,
                raw=snapshot.raw,
                occurred_at=snapshot.occurred_at,
                received_at=self.draft.now,
            )
        )

    def _warn(self, payment: Payment, change: PaymentChange) -> None:
        if change.mismatch:
            logger.error(
                "payment %s quarantined: %s differs, asked %s, came %s",
                payment.id,
                change.mismatch,
                payment.amount,
                change.received,
            )
        elif change.note:
            logger.warning("payment %s: %s", payment.id, change.note)
        if change.attention:
            detail = (
                change.note or f"{change.mismatch}: asked {payment.amount}, came {change.received}"
            )
            self.call_for_attention(payment, change.attention, detail)


async def book_payment(
    desk: Desk,
    uow: UnitOfWork,
    payment: Payment,
    snapshot: PaymentSnapshot,
    *,
    source: str,
    actor: str = PROVIDER,
    event_id: str | None = None,
    action: Action | None = None,
) -> Payment:
    """Write down what ``snapshot`` changes on one locked payment; see :meth:`Booking.compose`."""
    booking = Booking(desk, uow)
    after = booking.compose(
        payment, snapshot, source=source, actor=actor, event_id=event_id, action=action
    )
    await booking.write()
    return after


def _step(after: Payment, *, moved: bool, taken: int) -> str:
    if moved:
        return f"payment-{after.status}"
    return "payment-captured" if taken else "payment-note"


def _applied(payment: Payment, change: PaymentChange, snapshot: PaymentSnapshot) -> Payment:
    currency = payment.amount.currency
    operation, amount = payment.operation, payment.operation_amount
    over = change.status not in (*_OPEN, PaymentStatus.AUTHORISED)
    answered = operation is Operation.CAPTURE and change.captured >= payment.captured.amount + (
        amount or 0
    )
    if over or answered:
        operation, amount = None, None
    if change.drop_authorisation:
        operation, amount = Operation.VOID, None
    failure = snapshot.failure_code if change.status is PaymentStatus.FAILED else None
    return msgspec.structs.replace(
        payment,
        status=change.status,
        authorised=Money(change.authorised, currency),
        captured=Money(change.captured, currency),
        received=payment.received if change.received is None else change.received,
        provider_ref=payment.provider_ref or snapshot.provider_ref,
        failure_code=failure if change.status is not payment.status else payment.failure_code,
        operation=operation,
        operation_amount=amount,
    )


def _due(payment: Payment, now: datetime) -> datetime | None:
    if payment.operation is not None:
        return next_query(now, None, now)
    if payment.status in _OPEN:
        return next_query(payment.created_at, payment.expires_at, now)
    return None


def _told(payment: Payment) -> dict[str, Any]:
    return {
        "payment_id": payment.id,
        "reference": payment.reference,
        "currency": payment.amount.currency,
        "method": payment.method,
    }


def _payment_facts(after: Payment, change: PaymentChange) -> list[PaymentFact]:
    amount = after.amount.amount
    told = _told(after)
    match after.status:
        case PaymentStatus.PENDING:
            return [PaymentPending(amount=amount, **told)]
        case PaymentStatus.AUTHORISED:
            return [PaymentAuthorised(amount=after.authorised.amount, **told)]
        case PaymentStatus.PAID:
            taken = after.captured.amount
            facts: list[PaymentFact] = [PaymentPaid(amount=taken, late=change.late, **told)]
            if change.late:
                facts.append(PaymentPaidLate(amount=taken, **told))
            return facts
        case PaymentStatus.FAILED:
            return [PaymentFailed(amount=amount, code=after.failure_code or "", **told)]
        case PaymentStatus.CLOSED:
            return [PaymentClosed(amount=amount, **told)]
        case PaymentStatus.MISMATCH:
            received = after.amount if change.received is None else change.received
            return [
                PaymentMismatched(
                    amount=amount,
                    received=received.amount,
                    received_currency=received.currency,
                    what=str(change.mismatch),
                    **told,
                )
            ]
        case _:
            return []

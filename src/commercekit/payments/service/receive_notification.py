"""Verify what a provider says, write it down once, then acknowledge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.errors import Malformed
from commercekit.payments.errors import NotificationStale, WebhookUnknown
from commercekit.payments.models import AttentionKind, Payment
from commercekit.payments.providers import EventKind, GatewayEvent, Notification, RefundSnapshot
from commercekit.payments.repository import evidence_row
from commercekit.payments.service.booking import PROVIDER, Booking, said
from commercekit.payments.service.booking_disputes import book_dispute
from commercekit.payments.service.booking_refunds import book_refund
from commercekit.payments.service.desk import Desk, logger
from commercekit.payments.service.gateways import GatewayAccount
from commercekit.platform.failpoints import failpoint
from commercekit.platform.providers import Ack, ProviderRejected, RawRequest, SignatureInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from commercekit.platform.db import Coalescer, UnitOfWork

__all__ = ["Told", "book_told", "receive_notification", "verified"]


@dataclass(frozen=True, slots=True)
class Told:
    """A notification that was verified, and whose account it came to."""

    at: GatewayAccount
    notification: Notification


async def receive_notification(
    desk: Desk, intake: Coalescer[Told, bool], gateway: str, account: str, raw: RawRequest
) -> Ack:
    """See :meth:`PaymentService.receive_notification`."""
    told = await verified(desk, gateway, account, raw)
    failpoint("payments.notification-verified")
    complete = await intake.submit(told)
    failpoint("payments.notification-booked")
    return told.notification.ack if complete else told.notification.nack


async def verified(desk: Desk, gateway: str, account: str, raw: RawRequest) -> Told:
    """What the provider says, once it is sure that it is the provider who says it."""
    at = desk.gateways.account(gateway, account)
    if not at.gateway.capabilities.webhook:
        message = f"{gateway} sends no notifications."
        raise WebhookUnknown(message)
    try:
        notification = await desk.gateways.ask(
            at, "parse_notification", lambda: at.gateway.parse_notification(at.context, raw)
        )
    except SignatureInvalid as error:
        logger.warning("notification for %s/%s refused: %s", gateway, account, error.reason)
        if error.stale:
            message = "This notification was signed too long ago, or in the future."
            raise NotificationStale(message) from None
        raise
    except ProviderRejected as error:
        message = f"The notification cannot be read: {error.code}."
        raise Malformed(message) from None
    return Told(at, notification)


async def book_told(desk: Desk, told: Sequence[Told]) -> list[bool]:
    """Book every event of every notification that is new, in one transaction.

    Gives for each notification whether all of it is booked; ``False`` when it speaks of a payment that
    is not known (yet).
    """
    named = {
        payment_id
        for one in told
        for event in one.notification.events
        if (payment_id := _payment_id(event)) is not None
    }
    references = await desk.rows.references_of(desk.db, list(named)) if named else {}
    unknown = named - references.keys()
    archived = await desk.rows.archived(desk.db, list(unknown)) if unknown else frozenset()

    async def work(uow: UnitOfWork) -> list[bool]:
        return await _Batch(desk, uow, references, archived).book(told)

    return await desk.db.run(work)


class _Batch:
    """One transaction's worth of notifications."""

    def __init__(
        self,
        desk: Desk,
        uow: UnitOfWork,
        references: Mapping[UUID, str],
        archived: frozenset[UUID],
    ) -> None:
        self._desk = desk
        self._uow = uow
        self._references = references
        self._archived = archived
        self._booking = Booking(desk, uow)

    async def book(self, told: Sequence[Told]) -> list[bool]:
        """Lock, note what is new, book it."""
        complete: list[bool] = []
        said_now: list[tuple[GatewayAccount, GatewayEvent, tuple[object, ...]]] = []
        for one in told:
            late = [event for event in one.notification.events if self._is_archived(event)]
            for event in late:
                await self._quarantine(one.at, event)
            known = [event for event in one.notification.events if self._is_known(one.at, event)]
            known += late
            complete.append(len(known) == len(one.notification.events))
            now = self._booking.draft.now
            said_now += [
                (one.at, event, _evidence(one.at, event, now))
                for event in known
                if event not in late
            ]
        if not said_now:
            return complete
        named = {pid for _, event, _ in said_now if (pid := _payment_id(event)) in self._references}
        await self._uow.lock_all(self._references[pid] for pid in named if pid is not None)
        payments, fresh = await self._desk.rows.open_books(
            self._uow, [pid for pid in named if pid is not None], [row for _, _, row in said_now]
        )
        for at, event, row in said_now:
            payment_id = _payment_id(event)
            if row[0] in fresh and payment_id in payments:
                payments[payment_id] = await self._one(at, event, payments[payment_id])
        await self._booking.write()
        return complete

    def _is_archived(self, event: GatewayEvent) -> bool:
        payment_id = _payment_id(event)
        return payment_id is not None and payment_id in self._archived

    async def _quarantine(self, at: GatewayAccount, event: GatewayEvent) -> None:
        """Keep what is said of a payment whose month was archived, and have a person look at it.

        Nothing is booked: there is nothing to book it on until the month is brought back.
        """
        told = event.payment or event.refund or event.dispute
        said_of = "" if told is None else f"{told.state} {told.amount or ''}".strip()
        detail = f"{event.kind} {said_of} ({event.event_id}): the payment's month was archived"
        logger.error("event %s of %s: payment archived", event.event_id, at.gateway.code)
        await self._desk.rows.quarantine(
            self._uow,
            evidence=_evidence(at, event, self._desk.clock.now()),
            attention=AttentionKind.MONEY_STUCK,
            detail=detail,
        )

    def _is_known(self, at: GatewayAccount, event: GatewayEvent) -> bool:
        if self._is_archived(event):
            return False
        payment_ref = _payment_ref(event)
        if payment_ref is not None and not _may_be_ours(payment_ref):
            logger.info("event %s of %s: not of this shop", event.event_id, at.gateway.code)
            return True
        about_money = event.dispute is not None or event.kind in _ABOUT_MONEY
        if about_money and _payment_id(event) not in self._references:
            logger.warning("event %s of %s: payment unknown", event.event_id, at.gateway.code)
            return False
        return True

    async def _one(self, at: GatewayAccount, event: GatewayEvent, payment: Payment) -> Payment:
        foreign = (payment.gateway, payment.account) != (at.gateway.code, at.account) or (
            event.merchant_account is not None
            and at.merchant is not None
            and event.merchant_account != at.merchant
        )
        if event.payment is not None:
            payment = self._booking.compose(
                payment,
                event.payment,
                source="notification",
                foreign_account=foreign,
                event_id=event.event_id,
            )
        if event.refund is not None and not foreign:
            payment = await self._refund(event, event.refund, payment)
        if event.dispute is not None and not foreign:
            return await book_dispute(self._desk, self._booking, payment, event.dispute)
        if event.kind is EventKind.DISPUTE:
            self._booking.draft.note(
                payment.id,
                actor=PROVIDER,
                event="payment-disputed",
                before=payment.status.value,
                after=payment.status.value,
                detail=event.event_id,
            )
            self._booking.call_for_attention(payment, AttentionKind.DISPUTE, event.event_id)
        return payment

    async def _refund(self, event: GatewayEvent, told: RefundSnapshot, payment: Payment) -> Payment:
        """Book what is said of a refund; gives the payment as it is then."""
        rows = self._desk.rows
        refund_id = _uuid(told.refund_id) if told.refund_id else None
        refund = None
        if refund_id is not None:
            refund = await rows.refund(self._uow, refund_id, lock=True)
        elif told.provider_ref:
            refund = await rows.refund_by_provider_ref(self._uow, payment.id, told.provider_ref)
        if refund is None or refund.payment_id != payment.id:
            # Made at the provider by hand: nothing of ours to change, somebody has to know.
            detail = f"{told.state} {told.amount or ''} {told.provider_ref or ''}".strip()
            self._booking.draft.note(
                payment.id,
                actor=PROVIDER,
                event="foreign-refund",
                before=None,
                after=None,
                detail=detail,
            )
            self._booking.call_for_attention(payment, AttentionKind.FOREIGN_REFUND, detail)
            return payment
        # A refund changes its payment's row itself: what is composed so far goes first.
        await self._booking.write()
        self._booking = Booking(self._desk, self._uow)
        await book_refund(
            self._desk,
            self._uow,
            payment,
            refund,
            told,
            source="notification",
            event_id=event.event_id,
        )
        return await self._desk.payment(payment.id, db=self._uow)


_OUR_VERSION = 7
"""Of UUIDs: the shop makes no others."""
_ABOUT_MONEY = (EventKind.PAYMENT, EventKind.REFUND)


def _evidence(at: GatewayAccount, event: GatewayEvent, now: datetime) -> tuple[object, ...]:
    told = event.payment or event.refund or event.dispute
    state = "" if told is None else told.state.value
    return evidence_row(
        gateway=at.gateway.code,
        account=at.account,
        event_id=event.event_id,
        source="notification",
        kind=event.kind.value,
        state=state if event.payment is None else said(event.payment),
        payment_id=_payment_id(event),
        refund_id=_uuid(event.refund.refund_id)
        if event.refund and event.refund.refund_id
        else None,
        raw=b"" if told is None else told.raw,
        occurred_at=event.occurred_at,
        received_at=now,
    )


def _payment_ref(event: GatewayEvent) -> str | None:
    told = event.payment or event.refund or event.dispute
    return None if told is None else told.payment_id


def _payment_id(event: GatewayEvent) -> UUID | None:
    payment_ref = _payment_ref(event)
    return None if payment_ref is None else _uuid(payment_ref)


def _may_be_ours(payment_ref: str) -> bool:
    """Whether this shop names payments so: other systems may share the merchant account."""
    payment_id = _uuid(payment_ref)
    return payment_id is not None and payment_id.version == _OUR_VERSION


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

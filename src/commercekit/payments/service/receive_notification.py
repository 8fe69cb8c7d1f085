"""Verify what a provider says, write it down once, then acknowledge."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.errors import Malformed
from commercekit.payments.errors import NotificationStale, WebhookUnknown
from commercekit.payments.models import Payment
from commercekit.payments.providers import EventKind, GatewayEvent, Notification, RefundSnapshot
from commercekit.payments.service.booking import PROVIDER, book_payment, book_refund
from commercekit.payments.service.desk import Desk, logger
from commercekit.payments.service.gateways import GatewayAccount
from commercekit.platform.failpoints import failpoint
from commercekit.platform.providers import Ack, ProviderRejected, RawRequest, SignatureInvalid

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["receive_notification"]


async def receive_notification(desk: Desk, gateway: str, account: str, raw: RawRequest) -> Ack:
    """See :meth:`PaymentService.receive_notification`."""
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

    async def work(uow: UnitOfWork) -> bool:
        return await _book_all(desk, uow, at, notification)

    complete = await desk.db.run(work)
    failpoint("payments.notification-booked")
    return notification.ack if complete else notification.nack


async def _book_all(
    desk: Desk, uow: UnitOfWork, at: GatewayAccount, notification: Notification
) -> bool:
    """Book every event that is new; ``False`` when one speaks of a payment not known (yet)."""
    known: list[tuple[GatewayEvent, Payment | None]] = []
    complete = True
    for event in notification.events:
        payment = await _subject(desk, uow, event)
        if payment is None and event.kind in (EventKind.PAYMENT, EventKind.REFUND):
            logger.warning("event %s of %s: payment unknown", event.event_id, at.gateway.code)
            complete = False
        else:
            known.append((event, payment))
    fresh: set[str] = set()
    for event, payment in sorted(known, key=lambda pair: pair[0].event_id):
        if await _note_event(desk, uow, at, event, payment):
            fresh.add(event.event_id)
    told = [(event, one) for event, one in known if one is not None and event.event_id in fresh]
    for reference in sorted({payment.reference for _, payment in told}):
        await uow.lock(reference)
    for event, payment in told:
        # The same id twice in one message is one event.
        if event.event_id in fresh:
            fresh.discard(event.event_id)
            await _book(desk, uow, at, event, payment)
    return complete


async def _subject(desk: Desk, uow: UnitOfWork, event: GatewayEvent) -> Payment | None:
    told = event.payment or event.refund
    payment_id = None if told is None else _uuid(told.payment_id)
    return None if payment_id is None else await desk.rows.payment(uow, payment_id)


async def _note_event(
    desk: Desk, uow: UnitOfWork, at: GatewayAccount, event: GatewayEvent, payment: Payment | None
) -> bool:
    told = event.payment or event.refund
    refund_id = _uuid(event.refund.refund_id) if event.refund and event.refund.refund_id else None
    return await desk.rows.first_seen(
        uow,
        gateway=at.gateway.code,
        account=at.account,
        event_id=event.event_id,
        source="notification",
        kind=event.kind.value,
        state="" if told is None else told.state.value,
        payment_id=None if payment is None else payment.id,
        refund_id=refund_id,
        raw=b"" if told is None else told.raw,
        occurred_at=event.occurred_at,
    )


async def _book(
    desk: Desk, uow: UnitOfWork, at: GatewayAccount, event: GatewayEvent, payment: Payment
) -> None:
    foreign = (payment.gateway, payment.account) != (at.gateway.code, at.account) or (
        event.merchant_account is not None
        and at.merchant is not None
        and event.merchant_account != at.merchant
    )
    if event.payment is not None:
        locked = await desk.locked(uow, payment.id, payment.reference)
        await book_payment(
            desk,
            uow,
            locked,
            event.payment,
            source="notification",
            foreign_account=foreign,
            event_id=event.event_id,
        )
    if event.refund is not None and not foreign:
        await _book_refund(desk, uow, event, event.refund, payment)
    if event.kind is EventKind.DISPUTE:
        logger.error("payment %s is disputed: event %s", payment.id, event.event_id)
        await desk.rows.note(
            uow,
            payment.id,
            actor=PROVIDER,
            event="payment-disputed",
            before=payment.status.value,
            after=payment.status.value,
            detail=event.event_id,
        )


async def _book_refund(
    desk: Desk, uow: UnitOfWork, event: GatewayEvent, told: RefundSnapshot, payment: Payment
) -> None:
    locked = await desk.locked(uow, payment.id, payment.reference)
    refund_id = _uuid(told.refund_id) if told.refund_id else None
    refund = None
    if refund_id is not None:
        refund = await desk.rows.refund(uow, refund_id, lock=True)
    elif told.provider_ref:
        refund = await desk.rows.refund_by_provider_ref(uow, payment.id, told.provider_ref)
    if refund is None or refund.payment_id != payment.id:
        # Made at the provider by hand: nothing of ours to change, somebody has to know.
        detail = f"{told.state} {told.amount or ''} {told.provider_ref or ''}".strip()
        logger.error("payment %s: refund not made by this shop: %s", payment.id, detail)
        await desk.rows.note(
            uow,
            payment.id,
            actor=PROVIDER,
            event="foreign-refund",
            before=None,
            after=None,
            detail=detail,
        )
        return
    await book_refund(
        desk, uow, locked, refund, told, source="notification", event_id=event.event_id
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

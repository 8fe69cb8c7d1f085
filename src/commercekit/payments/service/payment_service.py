"""The front door of payments: every verb, its promise, and the file where it is done."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.kernel import Clock, Money
from commercekit.payments.models import (
    Attention,
    AttentionKind,
    Intent,
    Payment,
    PaymentMethod,
    Refund,
    StoredRequest,
)
from commercekit.payments.providers import Flow
from commercekit.payments.repository import PaymentRepository
from commercekit.payments.service.attention import (
    call_for_attention,
    find_overdue,
    resolve_attention,
)
from commercekit.payments.service.capture import capture, give_up, void
from commercekit.payments.service.close_others import close_others, end_open
from commercekit.payments.service.create_intent import create_intent, prepare_intent
from commercekit.payments.service.desk import Desk
from commercekit.payments.service.gateways import Gateways
from commercekit.payments.service.keep_cash import KeepCash
from commercekit.payments.service.query import close, query
from commercekit.payments.service.receive_notification import (
    Told,
    book_told,
    receive_notification,
)
from commercekit.payments.service.record_collection import record_collection
from commercekit.payments.service.refund import (
    confirm_refund,
    create_refund,
    create_refunds,
    refund_excess,
    retry_refund,
    send_refund,
)
from commercekit.payments.service.start import start
from commercekit.payments.service.sweep import sweep
from commercekit.payments.settings import PaymentsSettings
from commercekit.platform.db import Coalescer
from commercekit.platform.jobs import JobContext, JobKind, Schedule
from commercekit.platform.providers import Ack, RawRequest
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import AuditPort, Reach, Sealer

__all__ = ["PaymentService"]

_SYSTEM = "system"


class PaymentService(KeepCash):
    """Asks for money, hears that it came, and sends it back. Knows references, never orders.

    Functions that take a unit of work are parts of a larger use case and never call a gateway; the
    others open their own, before and after the call.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        gateways: Gateways,
        sealer: Sealer,
        audit: AuditPort,
        base_url: str,
        settings: PaymentsSettings | None = None,
    ) -> None:
        desk = Desk(
            db=db,
            clock=clock,
            gateways=gateways,
            rows=PaymentRepository(sealer),
            audit=audit,
            base_url=base_url.rstrip("/"),
            settings=settings or PaymentsSettings(),
        )
        super().__init__(desk)
        self._intake: Coalescer[Told, bool] = Coalescer(partial(book_told, desk))

    # --------------------------------------------------------------- asking for money

    def methods(self, currency: str, amount: int) -> list[PaymentMethod]:
        """Ways to pay ``amount`` minor units of ``currency``, in the order of the shop's settings."""
        return self._desk.gateways.methods(currency, amount)

    def method(self, code: str, amount: Money) -> PaymentMethod:
        """One way to pay ``amount``.

        Raises :class:`~commercekit.payments.PaymentMethodUnknown` when the shop does not offer it for
        this currency and amount.
        """
        return self._desk.gateways.method(code, amount)

    async def create_intent(
        self,
        uow: UnitOfWork,
        *,
        payment_id: UUID,
        reference: str,
        amount: Money,
        method: str,
        subject: str,
        locale: str,
        flow: Flow | None = None,
        return_url: str | None = None,
        cancel_url: str | None = None,
        expires_at: datetime | None = None,
        customer_ip: str | None = None,
        payer_ref: str | None = None,
    ) -> Payment:
        """Write down that ``amount`` will be asked for; :meth:`start` asks, after the commit.

        Repeating ``payment_id`` gives what was written. A ``flow`` the method does not have gives its
        first. Raises :class:`~commercekit.payments.PaymentMethodUnknown`, and :class:`ValueError` for
        an amount that needs no payment.
        """
        request = StoredRequest(
            subject=subject,
            locale=locale,
            return_url=return_url,
            cancel_url=cancel_url,
            customer_ip=customer_ip,
            payer_ref=payer_ref,
        )
        return await create_intent(
            self._desk,
            uow,
            payment_id=payment_id,
            reference=reference,
            amount=amount,
            method=method,
            flow=flow,
            expires_at=expires_at,
            request=request,
        )

    async def prepare_intent(
        self,
        *,
        payment_id: UUID,
        reference: str,
        amount: Money,
        method: str,
        subject: str,
        locale: str,
        flow: Flow | None = None,
        return_url: str | None = None,
        expires_at: datetime | None = None,
        customer_ip: str | None = None,
        payer_ref: str | None = None,
    ) -> Intent:
        """What :meth:`create_intent` would write, for a caller that writes by the batch.

        A gateway whose only flow is ``OFFLINE`` asks nobody: it is asked here, before any transaction,
        so that its payment is complete when it is written. Raises as the other does.
        """
        request = StoredRequest(
            subject=subject,
            locale=locale,
            return_url=return_url,
            customer_ip=customer_ip,
            payer_ref=payer_ref,
        )
        return await prepare_intent(
            self._desk,
            payment_id=payment_id,
            reference=reference,
            amount=amount,
            method=method,
            flow=flow,
            expires_at=expires_at,
            request=request,
        )

    async def start(self, payment_id: UUID) -> Payment:
        """Ask the gateway; the payment's ``action`` says what the shopper has to do.

        Repeating it gives the same action and asks for nothing more. A decline is a payment that
        ``failed``, with its ``failure_code``. Without an answer the payment stays ``created`` without
        an action; the sweep finds out, and starting it again is safe.
        """
        return await start(self._desk, payment_id)

    async def receive_notification(self, gateway: str, account: str, raw: RawRequest) -> Ack:
        """Book what a provider says, and answer in the bytes it wants.

        Verified before anything is read. Everything in it is booked in one transaction, together with
        other notifications that come at the same time; what was told before changes nothing. A payment
        that is not known (yet) makes the provider come again.
        Raises :class:`~commercekit.platform.providers.SignatureInvalid` (401),
        :class:`~commercekit.payments.NotificationStale` (400) and
        :class:`~commercekit.payments.WebhookUnknown` (404).
        """
        return await receive_notification(self._desk, self._intake, gateway, account, raw)

    async def drained(self) -> None:
        """Return once every notification that came is booked; before the database is closed."""
        await self._intake.drained()

    async def receive_webhook(
        self, gateway: str, account: str, _secret: str | None, raw: RawRequest
    ) -> Ack:
        """:meth:`receive_notification` as the webhooks' door calls it.

        A gateway whose vendor signs nothing finds the secret part of its address in ``raw.path``.
        """
        return await self.receive_notification(gateway, account, raw)

    async def query(self, payment_id: UUID) -> Payment:
        """Ask the gateway what it knows and book it.

        Raises :class:`~commercekit.payments.GatewayUnavailable` when it does not say.
        """
        return await query(self._desk, payment_id)

    async def close(self, payment_id: UUID, *, actor: str = _SYSTEM) -> Payment:
        """End an open payment at the gateway, so that it can no longer be paid.

        The gateway may answer that it was paid just now: then it is. Payments that ended are given as
        they are. Raises :class:`~commercekit.payments.GatewayUnavailable` when it does not say.
        """
        return await close(self._desk, payment_id, actor=actor)

    async def close_others(
        self, reference: str, *, keep: UUID | None = None, actor: str = _SYSTEM
    ) -> None:
        """End every open payment of the reference but ``keep``, before it is paid another way.

        Each gateway is asked; one that says "paid" is believed, so look at the reference's money
        afterwards. One that says nothing is asked again by the sweep: what comes twice goes back.
        """
        await close_others(self._desk, reference, keep=keep, actor=actor)

    async def end_open(self, uow: UnitOfWork, reference: str, *, keep: UUID | None = None) -> int:
        """Decide that what is still open is not to be paid any more: it was paid another way.

        The sweep closes them within seconds, by asking each gateway. Gives how many there were.
        """
        return await end_open(self._desk, uow, reference, keep=keep)

    # --------------------------------------------------------------- money that is held

    async def capture(
        self,
        payment_id: UUID,
        amount: Money | None = None,
        *,
        final: bool = True,
        actor: str = _SYSTEM,
        operation_id: UUID | None = None,
    ) -> Payment:
        """Take what is held, or ``amount`` of it; the rest is given up.

        With ``final=False`` the rest stays held for further captures, where the gateway allows several.
        Without an answer the payment keeps ``operation: capture`` and is looked into. A capture after
        the last is refused; the same ``operation_id`` again is not a second one.
        """
        return await capture(
            self._desk, payment_id, amount, final=final, actor=actor, operation_id=operation_id
        )

    async def void(
        self, payment_id: UUID, *, actor: str = _SYSTEM, operation_id: UUID | None = None
    ) -> Payment:
        """Let an authorisation go, or what is left of it: a payment of which a part was taken is paid.

        Without an answer the payment keeps ``operation: void``.
        """
        return await void(self._desk, payment_id, actor=actor, operation_id=operation_id)

    async def give_up(self, uow: UnitOfWork, payment_id: UUID, *, reason: str) -> bool:
        """Decide that what is held is let go: money that was authorised twice, or for nothing.

        The sweep tells the gateway within seconds. ``False`` when nothing is held, or the gateway
        cannot let go before it runs out.
        """
        return await give_up(self._desk, uow, payment_id, actor=_SYSTEM, reason=reason)

    async def record_collection(
        self,
        payment_id: UUID,
        amount: Money,
        *,
        actor: str,
        operation_id: UUID | None = None,
        note: str = "",
    ) -> Payment:
        """Book money that was handed over outside any gateway, in the name of ``actor``; audited.

        Only for payments whose flow is offline, and exactly the amount that was asked for. Raises
        :class:`~commercekit.payments.NotCollectable` and
        :class:`~commercekit.payments.CollectionAmountDiffers`.
        """
        return await record_collection(
            self._desk, payment_id, amount, actor=actor, operation_id=operation_id, note=note
        )

    # --------------------------------------------------------------- money going back

    async def create_refund(
        self, uow: UnitOfWork, *, refund_id: UUID, payment_id: UUID, amount: Money, reason: str
    ) -> Refund:
        """Decide that ``amount`` goes back on one payment; :meth:`send_refund` sends it after the commit.

        If nobody does, the sweep does. All refunds of a payment together never exceed what was
        captured: :class:`~commercekit.payments.RefundExceedsCapture` otherwise. Repeating
        ``refund_id`` gives what was written. ``reason`` goes to the provider: no personal data.
        """
        return await create_refund(
            self._desk,
            uow,
            refund_id=refund_id,
            payment_id=payment_id,
            amount=amount,
            reason=reason,
        )

    async def create_refunds(
        self, uow: UnitOfWork, *, refund_id: UUID, reference: str, amount: Money, reason: str
    ) -> list[Refund]:
        """As :meth:`create_refund` for all payments of a reference, the newest giving first.

        The first refund has ``refund_id``, others the ids that follow it, so that repeating it finds
        them all.
        """
        return await create_refunds(
            self._desk,
            uow,
            refund_id=refund_id,
            reference=reference,
            amount=amount,
            reason=reason,
        )

    async def refund_excess(
        self, uow: UnitOfWork, *, reference: str, keep: Money, reason: str
    ) -> list[Refund]:
        """Send back what the reference holds above ``keep``: money that came late or twice.

        Repeating it sends nothing more. The sweep sends what is written here within seconds.
        """
        return await refund_excess(self._desk, uow, reference=reference, keep=keep, reason=reason)

    async def send_refund(self, refund_id: UUID) -> Refund:
        """Tell the gateway to send the money back. One that is not pending is given as it is.

        Without an answer the refund stays pending: the gateway is asked what became of it before it is
        told again, with the same id.
        """
        return await send_refund(self._desk, refund_id)

    async def retry_refund(
        self, refund_id: UUID, *, actor: str, operation_id: UUID | None = None
    ) -> Refund:
        """Send a refund again that failed or needs attention; its id stays. Audited.

        Raises :class:`~commercekit.payments.RefundExceedsCapture` when the money has gone back some
        other way in the meantime.
        """
        return await retry_refund(self._desk, refund_id, actor=actor, operation_id=operation_id)

    async def confirm_refund(
        self,
        refund_id: UUID,
        *,
        actor: str,
        operation_id: UUID | None = None,
        note: str = "",
    ) -> Refund:
        """Say that a refund which needed a person, or had failed, has been paid out by hand. Audited.

        ``note`` says how; it stands in the payment's history. Raises
        :class:`~commercekit.payments.RefundExceedsCapture` when the money of a failed one has gone
        back some other way.
        """
        return await confirm_refund(
            self._desk, refund_id, actor=actor, operation_id=operation_id, note=note
        )

    # --------------------------------------------------------------- what a person has to see to

    async def call_for_attention(
        self, uow: UnitOfWork, payment_id: UUID, kind: AttentionKind, detail: str
    ) -> None:
        """Have a person look at a payment; one call of a kind is open at a time."""
        await call_for_attention(self._desk, uow, payment_id, kind, detail)

    async def resolve_attention(
        self, attention_id: UUID, *, actor: str, resolution: str, reach: Reach = EVERYWHERE
    ) -> Attention:
        """Say that it has been seen to, and how. Audited; resolving again changes nothing."""
        return await resolve_attention(
            self._desk,
            attention_id,
            actor=actor,
            resolution=resolution,
            reaches=lambda reference: self._reaches(reference, reach),
        )

    # --------------------------------------------------------------- the safety net

    async def sweep(self) -> int:
        """Look into payments and refunds that are due: ask, send, close what expired.

        Gives how many were looked at. Several processes share the work.
        """
        return await sweep(self._desk)

    def job_kinds(self) -> list[JobKind]:
        """What the job runner needs to know."""

        async def run(_context: JobContext) -> None:
            while await self.sweep():
                pass

        async def alarm(_context: JobContext) -> None:
            await find_overdue(self._desk)

        async def reconcile(_context: JobContext) -> None:
            await self.reconcile_due()

        return [
            JobKind("payments.sweep", run),
            JobKind("payments.alarm", alarm),
            JobKind("payments.reconcile", reconcile),
        ]

    @staticmethod
    def schedules() -> list[Schedule]:
        """How often the sweep runs, somebody looks for what waits too long, and for statements."""
        return [
            Schedule("payments.sweep", every=timedelta(seconds=5), job="payments.sweep"),
            Schedule("payments.alarm", every=timedelta(minutes=1), job="payments.alarm"),
            Schedule("payments.reconcile", every=timedelta(minutes=15), job="payments.reconcile"),
        ]

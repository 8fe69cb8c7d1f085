"""What the sandbox does with charges and refunds: one transaction each, with what it will tell the shop."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from commercekit.kernel import Money, new_id
from commercekit.payments import CaptureMode, DisputeState, PaymentState
from commercekit.platform.providers import ProviderRejected
from commercekit_payment_sandbox import repository
from commercekit_payment_sandbox.lies import Liar
from commercekit_payment_sandbox.models import (
    Charge,
    Deliver,
    Message,
    PastDispute,
    PastRefund,
    Settle,
    Ticket,
)
from commercekit_payment_sandbox.scenarios import Lie, Scenario, of_payment
from commercekit_payment_sandbox.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.plugins import PluginContext

__all__ = ["DELIVER", "SETTLE", "Bank", "Ended", "dispute_ref", "provider_ref", "refund_ref"]

DELIVER = "payment-sandbox.deliver"
SETTLE = "payment-sandbox.settle"

_ASKED_BACK = {
    Scenario.DISPUTE_LOST: DisputeState.NEEDS_RESPONSE,
    Scenario.DISPUTE_WON: DisputeState.NEEDS_RESPONSE,
    Scenario.INQUIRY: DisputeState.INQUIRY,
}
"""What the payer's bank does first."""
_OPEN = (PaymentState.PENDING, PaymentState.ACTION_REQUIRED)


class Ended(Exception):
    """The charge cannot be paid any more; says in which state it is."""

    def __init__(self, charge: Charge) -> None:
        super().__init__(charge.state)
        self.charge = charge


def provider_ref(charge_id: UUID) -> str:
    """What the sandbox calls a charge."""
    return f"sbx_{charge_id.hex[-12:]}"


def refund_ref(refund_id: UUID) -> str:
    """What the sandbox calls a refund."""
    return f"sbr_{refund_id.hex[-12:]}"


def dispute_ref(dispute_id: UUID) -> str:
    """What the sandbox calls a dispute."""
    return f"sbd_{dispute_id.hex[-12:]}"


class Bank:
    """The sandbox's books. Knows nothing of the shop but the addresses it tells things to."""

    def __init__(self, ctx: PluginContext, liar: Liar | None = None) -> None:
        self.ctx = ctx
        self.liar = liar or Liar()
        self.settings = ctx.section(Settings)

    # ------------------------------------------------------------------ keys

    def keys(self, purpose: str, account: str) -> list[bytes]:
        """Keys for one purpose and account: the present one first, then one being phased out."""
        roots: list[bytes] = []
        if self.settings.secret:
            roots.append(self.settings.secret.reveal().encode())
        else:
            roots.append(self.ctx.sealer.derived_key("payment-sandbox"))
        if self.settings.previous_secret:
            roots.append(self.settings.previous_secret.reveal().encode())
        return [hmac.digest(root, f"{purpose}|{account}".encode(), "sha256") for root in roots]

    # ------------------------------------------------------------------ the shopper

    async def charge(self, charge_id: UUID) -> Charge | None:
        """The charge, if the shopper or the shop has done anything about it."""
        return await repository.charge(self.ctx.db, charge_id)

    async def pay(self, ticket: Ticket, wanted: Scenario | None = None) -> list[UUID]:
        """The shopper pays; gives the notifications that are due now.

        Raises :class:`Ended` when the charge cannot be paid any more. Paying twice pays once.
        """

        async def work(uow: UnitOfWork) -> list[UUID]:
            charge = await self._open(uow, ticket, wanted)
            if charge.state in (PaymentState.PAID, PaymentState.AUTHORISED):
                return []
            if charge.state not in _OPEN:
                raise Ended(charge)
            return await self._pay(uow, charge)

        return await self.ctx.db.run(work)

    async def _pay(self, uow: UnitOfWork, charge: Charge) -> list[UUID]:
        match self.liar.payment(charge.scenario):
            case Scenario.DECLINE:
                if self.liar.tells(Lie.LATE_SUCCESS):
                    await self._settle_later(uow, charge, self._paid_state(charge), late=True)
                return await self._end(uow, charge, PaymentState.FAILED, "declined")
            case Scenario.ASYNC:
                await self._settle_later(uow, charge, self._paid_state(charge))
                return [await self.tell(uow, charge)]
            case Scenario.ASYNC_FAIL:
                await self._settle_later(uow, charge, PaymentState.FAILED)
                return [await self.tell(uow, charge)]
            case Scenario.LATE:
                return []
            case _:
                return await self._end(uow, charge, self._paid_state(charge))

    async def decline(self, ticket: Ticket) -> list[UUID]:
        """The shopper's bank says no."""
        return await self._finish(ticket, PaymentState.FAILED, "declined")

    async def cancel(self, ticket: Ticket) -> list[UUID]:
        """The shopper turns back; the charge is over."""
        return await self._finish(ticket, PaymentState.CLOSED, "cancelled-by-shopper")

    async def _finish(self, ticket: Ticket, state: PaymentState, code: str) -> list[UUID]:
        async def work(uow: UnitOfWork) -> list[UUID]:
            charge = await self._open(uow, ticket, None)
            if charge.state is state:
                return []
            if charge.state not in _OPEN:
                raise Ended(charge)
            return await self._end(uow, charge, state, code)

        return await self.ctx.db.run(work)

    # ------------------------------------------------------------------ the shop

    async def first_request(self, ticket: Ticket) -> bool:
        """Note that the shop asked for the money; whether it was the first time."""

        async def work(uow: UnitOfWork) -> bool:
            charge = await self._open(uow, ticket, None)
            await repository.save_charge(
                uow, msgspec.structs.replace(charge, calls=charge.calls + 1)
            )
            return charge.calls == 0

        return await self.ctx.db.run(work)

    async def close(self, charge_id: UUID, account: str) -> Charge:
        """Nobody can pay it any more, even if the page was never opened; paid ones stay paid."""

        async def work(uow: UnitOfWork) -> Charge:
            closed = Charge(
                id=charge_id,
                account=account,
                amount=Money.zero("XXX"),
                state=PaymentState.CLOSED,
            )
            charge = await repository.insert_charge(uow, closed)
            if charge.state not in _OPEN:
                return charge
            charge = msgspec.structs.replace(charge, state=PaymentState.CLOSED)
            await repository.save_charge(uow, charge)
            late = charge.scenario is Scenario.LATE
            if late or (charge.amount.amount and self.liar.tells(Lie.PAID_AFTER_CLOSE)):
                await self._settle_later(uow, charge, self._paid_state(charge), late=True)
            return charge

        return await self.ctx.db.run(work)

    async def capture(
        self, charge_id: UUID, amount: Money, key: str, *, final: bool
    ) -> tuple[Charge, bool]:
        """Take held money; whether this was the first time the key came."""

        async def work(uow: UnitOfWork) -> tuple[Charge, bool]:
            charge = await self.held(uow, charge_id)
            if charge.capture_key == key:
                return charge, False
            if charge.state is not PaymentState.AUTHORISED:
                raise ProviderRejected(code="not-authorised", message=f"charge is {charge.state}")
            left = charge.amount.amount - charge.captured
            if amount.currency != charge.amount.currency or not 0 < amount.amount <= left:
                raise ProviderRejected(code="amount-exceeds-authorisation", message=str(amount))
            failed = charge.scenario is Scenario.CAPTURE_FAIL
            taken = PaymentState.PAID if final or amount.amount == left else charge.state
            charge = msgspec.structs.replace(
                charge,
                state=PaymentState.FAILED if failed else taken,
                failure_code="capture-declined" if failed else None,
                captured=0 if failed else charge.captured + amount.amount,
                capture_key=key,
            )
            await repository.save_charge(uow, charge)
            await self.tell(uow, charge)
            return charge, True

        return await self.ctx.db.run(work)

    async def void(self, charge_id: UUID) -> Charge:
        """Give held money up."""

        async def work(uow: UnitOfWork) -> Charge:
            charge = await self.held(uow, charge_id)
            if charge.state in (PaymentState.CLOSED, PaymentState.PAID):
                return charge
            if charge.state is not PaymentState.AUTHORISED:
                raise ProviderRejected(code="not-authorised", message=f"charge is {charge.state}")
            # Of what was taken in part only the rest is given up.
            state = PaymentState.PAID if charge.captured else PaymentState.CLOSED
            charge = msgspec.structs.replace(charge, state=state)
            await repository.save_charge(uow, charge)
            return charge

        return await self.ctx.db.run(work)

    # ------------------------------------------------------------------ a while later

    async def settle(self, job: Settle) -> None:
        """Let happen what was put off. Once: the state it leads to is looked at first."""

        async def work(uow: UnitOfWork) -> None:
            charge = await repository.lock_charge(uow, job.charge_id)
            if charge is None:
                return
            state = PaymentState(job.state)
            ended = charge.state in (PaymentState.CLOSED, PaymentState.FAILED)
            if charge.state in _OPEN or (job.late and ended):
                code = "declined" if state is PaymentState.FAILED else None
                await self._end(uow, charge, state, code)

        await self.ctx.db.run(work)

    # ------------------------------------------------------------------ telling

    async def tell(
        self,
        uow: UnitOfWork,
        charge: Charge,
        *,
        refund: PastRefund | None = None,
        dispute: PastDispute | None = None,
        after: timedelta = timedelta(),
        times: int = 1,
        **change: Money | str | None,
    ) -> UUID:
        """Put a notification about ``charge`` on its way; ``change`` makes it lie."""
        amount = change.pop("amount", charge.amount)
        message = Message(
            event_id=f"evt_{new_id().hex}",
            kind="refund" if refund else "dispute" if dispute else "payment",
            occurred_at=uow.clock.now(),
            payment_id=charge.id.hex,
            provider_ref=provider_ref(charge.id),
            state=str(change.pop("state", charge.state.value)),
            amount=amount if isinstance(amount, Money) else charge.amount,
            captured=_captured(charge, amount if isinstance(amount, Money) else charge.amount),
            failure_code=charge.failure_code if refund is None else refund.failure_code,
            refund_id=None if refund is None else refund.id.hex,
            refund_ref=None if refund is None else refund_ref(refund.id),
            refund_state=None if refund is None else refund.state.value,
            refund_amount=None if refund is None else refund.amount,
            **({} if dispute is None else _told_of(charge, dispute)),
        )
        stale = charge.scenario is Scenario.STALE_NOTIFY
        notification_id = await repository.insert_notification(
            uow, charge, msgspec.json.encode(message), stale_first=stale
        )
        if self.liar.tells(Lie.DROP):
            return notification_id
        for _ in range(times + self.liar.tells(Lie.DOUBLE)):
            late = self.liar.delay() if self.liar.tells(Lie.DELAY) else timedelta()
            due = uow.clock.now() + after + late
            await self.ctx.enqueue(uow, DELIVER, Deliver(notification_id), due_at=due)
        return notification_id

    async def _end(
        self, uow: UnitOfWork, charge: Charge, state: PaymentState, code: str | None = None
    ) -> list[UUID]:
        taken = charge.amount.amount if state is PaymentState.PAID else 0
        charge = msgspec.structs.replace(charge, state=state, captured=taken, failure_code=code)
        await repository.save_charge(uow, charge)
        if state not in (PaymentState.PAID, PaymentState.AUTHORISED):
            return [await self.tell(uow, charge)]
        if taken and charge.scenario in _ASKED_BACK:
            asks = Settle(charge.id, state.value, dispute=_ASKED_BACK[charge.scenario].value)
            await self.ctx.enqueue(uow, SETTLE, asks, due_at=self.later(uow))
        match charge.scenario:
            case Scenario.NO_NOTIFY:
                return []
            case Scenario.DUPLICATE_NOTIFY:
                return [await self.tell(uow, charge, times=3)]
            case Scenario.AMOUNT_MISMATCH:
                less = Money(charge.amount.amount - 1, charge.amount.currency)
                return [await self.tell(uow, charge, amount=less)]
            case Scenario.CURRENCY_MISMATCH:
                other = "USD" if charge.amount.currency != "USD" else "EUR"
                return [await self.tell(uow, charge, amount=Money(charge.amount.amount, other))]
            case Scenario.OUT_OF_ORDER:
                told = await self.tell(uow, charge)
                later = timedelta(milliseconds=200)
                await self.tell(uow, charge, after=later, state=PaymentState.PENDING.value)
                await self.tell(uow, charge, after=2 * later, state=PaymentState.CLOSED.value)
                return [told]
            case _ if self.liar.tells(Lie.WRONG_AMOUNT):
                less = Money(charge.amount.amount - 1, charge.amount.currency)
                return [await self.tell(uow, charge, amount=less)]
            case _:
                return [await self.tell(uow, charge)]

    # ------------------------------------------------------------------ small print

    async def _open(self, uow: UnitOfWork, ticket: Ticket, wanted: Scenario | None) -> Charge:
        charge = await repository.insert_charge(
            uow,
            Charge(
                id=ticket.payment_id,
                account=ticket.account,
                amount=ticket.amount,
                state=PaymentState.PENDING,
                capture=ticket.capture,
                scenario=wanted or of_payment(ticket.amount.amount),
                notify_url=ticket.notify_url,
            ),
        )
        if wanted is not None and wanted is not charge.scenario:
            charge = msgspec.structs.replace(charge, scenario=wanted)
            await repository.save_charge(uow, charge)
        return charge

    @staticmethod
    async def held(uow: UnitOfWork, charge_id: UUID) -> Charge:
        """The charge, locked; refused when there is none."""
        charge = await repository.lock_charge(uow, charge_id)
        if charge is None:
            raise ProviderRejected(code="no-such-charge", message=charge_id.hex)
        return charge

    @staticmethod
    def _paid_state(charge: Charge) -> PaymentState:
        held = charge.capture is CaptureMode.MANUAL
        return PaymentState.AUTHORISED if held else PaymentState.PAID

    def later(self, uow: UnitOfWork) -> datetime:
        """When "a while later" is."""
        return uow.clock.now() + timedelta(seconds=self.settings.settle_seconds)

    async def _settle_later(
        self, uow: UnitOfWork, charge: Charge, state: PaymentState, *, late: bool = False
    ) -> None:
        job = Settle(charge.id, state.value, late=late)
        await self.ctx.enqueue(uow, SETTLE, job, due_at=self.later(uow))


def _told_of(charge: Charge, dispute: PastDispute) -> dict[str, Any]:
    currency = charge.amount.currency
    return {
        "dispute_id": dispute_ref(dispute.id),
        "dispute_state": dispute.state.value,
        "dispute_amount": Money(dispute.amount, currency),
        "withdrawn": Money(dispute.withdrawn, currency),
        "evidence_due_at": dispute.evidence_due_at,
    }


def _captured(charge: Charge, amount: Money) -> Money | None:
    if not charge.captured:
        return None
    whole = charge.captured == charge.amount.amount
    return amount if whole else Money(charge.captured, amount.currency)

"""Compare what a statement says with the books, line by line; book what only it knows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from commercekit.errors import CommerceKitError
from commercekit.kernel import Money, new_id
from commercekit.payments.models import (
    AttentionKind,
    Difference,
    Dispute,
    LineOutcome,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    Statement,
    StatementState,
    StoredLine,
)
from commercekit.payments.providers import StatementKind
from commercekit.payments.repository import posting
from commercekit.payments.repository.rows import payment_from, refund_from
from commercekit.payments.rules import (
    Counterpart,
    Verdict,
    clearing_account,
    judge_line,
    posts_of,
    ready_at,
)
from commercekit.payments.service.desk import Desk, logger
from commercekit.payments.service.query import query
from commercekit.payments.service.refund import send_refund
from commercekit.platform.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.platform.db import UnitOfWork

__all__ = ["conclude", "settle_statement"]

_LINES: Final = 500
_ASKED: Final = 100
"""How many payments and refunds of a statement the gateway is asked about, each time it is looked at."""
_LOOKED_AT: Final = timedelta(days=7)
"""How long differences are looked at again by themselves, once a day."""
_K = StatementKind
_NOT_PAID = (
    PaymentStatus.CREATED,
    PaymentStatus.PENDING,
    PaymentStatus.FAILED,
    PaymentStatus.CLOSED,
)


async def settle_statement(desk: Desk, statement_id: UUID) -> None:
    """Give every line its outcome, look for what is missing, and call a person for what differs.

    Nothing is booked twice, however often it is run and by however many at once: a line is decided
    under the lock of its statement, together with what it books.
    """
    after: UUID | None = None
    asked = 0
    while True:
        lines = await _lines(desk, statement_id, after)
        if not lines:
            break
        asked += await _ask_about(desk, lines, most=_ASKED - asked)
        failpoint("payments.statement-asked")
        await _decide(desk, statement_id, after)
        failpoint("payments.statement-decided")
        after = lines[-1].id
    await _look_for_missing(desk, statement_id)
    await _end(desk, statement_id)


async def _lines(desk: Desk, statement_id: UUID, after: UUID | None) -> list[StoredLine]:
    async def work(uow: UnitOfWork) -> list[StoredLine]:
        return await desk.rows.lines_to_judge(uow, statement_id, after=after, limit=_LINES)

    return await desk.db.run(work)


async def _ask_about(desk: Desk, lines: Sequence[StoredLine], *, most: int) -> int:
    """The statement knows of money that the books do not: ask, and book the answer as always."""
    payments, refunds, _ = await _known(desk, desk.db, lines)
    asked = 0
    for line in lines:
        payment = payments.get(line.payment_id) if line.payment_id else None
        refund = refunds.get(line.refund_id) if line.refund_id else None
        if asked >= most:
            break
        try:
            if line.kind is _K.CHARGE and payment and payment.status in _NOT_PAID:
                asked += 1
                await query(desk, payment.id)
            elif line.kind is _K.REFUND and refund and refund.status is RefundStatus.PENDING:
                asked += 1
                await send_refund(desk, refund.id)
        except CommerceKitError as error:
            logger.warning("line %s: asked about it in vain: %s", line.line_id, error)
    return asked


async def _known(
    desk: Desk, db: Any, lines: Sequence[StoredLine]
) -> tuple[dict[UUID, Payment], dict[UUID, Refund], dict[UUID, tuple[int, int]]]:
    payments, refunds, stated = await desk.rows.counterparts(db, lines)
    return (
        {key: payment_from(row) for key, row in payments.items()},
        {key: refund_from(row) for key, row in refunds.items()},
        stated,
    )


async def _decide(desk: Desk, statement_id: UUID, after: UUID | None) -> None:
    async def work(uow: UnitOfWork) -> None:
        statement = await desk.rows.statement(uow, statement_id, lock=True)
        lines = await desk.rows.lines_to_judge(uow, statement_id, after=after, limit=_LINES)
        if statement is None or not lines:
            return
        await _Round(desk, uow, statement, lines).run()

    await desk.db.run(work)


class _Round:
    """Some lines of a locked statement."""

    def __init__(
        self, desk: Desk, uow: UnitOfWork, statement: Statement, lines: list[StoredLine]
    ) -> None:
        self._desk = desk
        self._uow = uow
        self._statement = statement
        self._lines = lines
        self._entries: list[tuple[Any, ...]] = []

    async def run(self) -> None:
        """Judge, post, and write what became of them."""
        rows, uow = self._desk.rows, self._uow
        known = await self._counterparts()
        name = f"{self._statement.gateway}/{self._statement.account}"
        shared = name in self._desk.settings.shared_accounts
        outcomes: list[tuple[UUID, LineOutcome]] = []
        found: list[Difference] = []
        for line, counterpart in zip(self._lines, known, strict=True):
            verdict = judge_line(line, counterpart, shared=shared)
            outcomes.append((line.id, verdict.outcome))
            if verdict.kind is not None:
                found.append(self._difference(line, counterpart, verdict))
            if line.outcome is None:
                self._post(line, counterpart, verdict.outcome)
        await rows.decide_lines(uow, outcomes)
        keep = [(each.line_id, each.kind.value) for each in found if each.line_id is not None]
        await rows.resolve_line_differences(uow, [line.id for line in self._lines], keep=keep)
        if found:
            await rows.open_differences(uow, found)
        if self._entries:
            await rows.post_all(uow, self._entries)

    async def _counterparts(self) -> list[Counterpart]:
        payments, refunds, stated = await _known(self._desk, self._uow, self._lines)
        made: list[Counterpart] = []
        for line in self._lines:
            refund = refunds.get(line.refund_id) if line.refund_id else None
            payment_id = line.payment_id or (refund.payment_id if refund else None)
            payment = payments.get(payment_id) if payment_id else None
            if refund is not None and payment is not None and refund.payment_id != payment.id:
                refund = None
            moved, in_all = stated.get(line.id, (0, 0))
            made.append(
                Counterpart(
                    payment=payment,
                    refund=refund,
                    dispute=await self._dispute(line, payment),
                    stated=moved,
                    returned=moved,
                    returned_in_all=in_all,
                )
            )
        return made

    async def _dispute(self, line: StoredLine, payment: Payment | None) -> Dispute | None:
        if payment is None or line.kind not in (_K.DISPUTE, _K.DISPUTE_REVERSAL):
            return None
        found = await self._desk.rows.disputes_on(self._uow, payment.id)
        if line.dispute_ref is None:
            return found[0] if len(found) == 1 else None
        return next((each for each in found if each.dispute_ref == line.dispute_ref), None)

    def _difference(
        self, line: StoredLine, counterpart: Counterpart, verdict: Verdict
    ) -> Difference:
        payment, refund, kind = counterpart.payment, counterpart.refund, verdict.kind
        if kind is None:
            message = "a line that does not differ"
            raise ValueError(message)
        expected = verdict.expected
        return Difference(
            id=new_id(),
            statement_id=self._statement.id,
            line_id=line.id,
            kind=kind,
            gateway=line.gateway,
            account=line.account,
            day=self._statement.day,
            payment_id=payment.id if payment else None,
            refund_id=refund.id if refund else None,
            reference=payment.reference if payment else "",
            stated=line.amount,
            expected=None if expected is None else Money(expected, line.amount.currency),
            detail=verdict.detail,
            opened_at=self._uow.clock.now(),
        )

    def _post(self, line: StoredLine, counterpart: Counterpart, outcome: LineOutcome) -> None:
        payment, refund = counterpart.payment, counterpart.refund
        about = (
            payment.id if payment else line.id,
            refund.id if refund else None,
            line.id,
            payment.reference if payment else "",
        )
        for post in posts_of(line, outcome):
            self._entries += posting(
                about,
                post.kind,
                post.money,
                debit=post.debit,
                credit=post.credit,
                now=self._uow.clock.now(),
            )


async def _look_for_missing(desk: Desk, statement_id: UUID) -> None:
    """What the books had on a day, once its statement and the next are here: clocks differ a little."""
    statement = await desk.rows.statement(desk.db, statement_id)
    if statement is None:
        return
    day = timedelta(days=1)
    place = (statement.gateway, statement.account)
    for first, second in ((-day, 0 * day), (0 * day, day)):
        older = await desk.rows.statement_of(desk.db, *place, statement.day + first)
        newer = await desk.rows.statement_of(desk.db, *place, statement.day + second)
        if older is None or newer is None:
            continue
        if StatementState.WAITING not in (older.state, newer.state):
            await _open_missing(desk, older)


async def _open_missing(desk: Desk, statement: Statement) -> None:
    plan = desk.gateways.account(
        statement.gateway, statement.account
    ).gateway.capabilities.statement
    if plan is None:
        return
    until = ready_at(plan, statement.day) - plan.ready_after
    window = (until - timedelta(days=1), until)
    clearing = clearing_account(statement.gateway, statement.account)

    async def work(uow: UnitOfWork) -> None:
        locked = await desk.rows.statement(uow, statement.id, lock=True)
        if locked is None:
            return
        charges = await desk.rows.missing_charges(uow, locked, clearing, *window)
        refunds = await desk.rows.missing_refunds(uow, locked, clearing, *window)
        await desk.rows.resolve_missing(uow, locked)
        if charges or refunds:
            await desk.rows.open_differences(uow, [*charges, *refunds])
        await conclude(desk, uow, locked)

    await desk.db.run(work)
    failpoint("payments.statement-missing-found")


async def _end(desk: Desk, statement_id: UUID) -> None:
    async def work(uow: UnitOfWork) -> None:
        locked = await desk.rows.statement(uow, statement_id, lock=True)
        if locked is not None:
            await conclude(desk, uow, locked)

    await desk.db.run(work)
    failpoint("payments.statement-ended")


async def conclude(desk: Desk, uow: UnitOfWork, statement: Statement) -> None:
    """Settled, or for a person to look at; while it is young it is looked at again by itself."""
    if statement.state is StatementState.WAITING or await desk.rows.undecided(uow, statement.id):
        return  # Whoever reads it comes to its end.
    now = uow.clock.now()
    differ = await desk.rows.open_count(uow, statement.id)
    read_at = statement.read_at or now
    young = differ and now - read_at < _LOOKED_AT
    due_at = now + timedelta(days=1) if young else None
    await desk.rows.end_statement(uow, statement.id, settled=not differ, due_at=due_at)
    kind = AttentionKind.STATEMENT_DIFFERS.value
    if not differ:
        await desk.rows.settle_statement_call(uow, statement.id, kind)
        return
    detail = f"{statement.day}: {differ} difference{'s' if differ > 1 else ''}"
    if await desk.rows.call_for_statement(uow, statement, kind, detail):
        name = f"{statement.gateway}/{statement.account} {statement.day}"
        logger.error("statement %s needs a person: %s differ from the books", name, differ)

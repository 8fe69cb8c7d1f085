"""Ask gateways for their statements, day by day, and write down every line."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from commercekit.payments.errors import StatementNotKept, StatementNotReady, WebhookUnknown
from commercekit.payments.models import AttentionKind, Statement, StatementState
from commercekit.payments.providers import StatementLine, StatementPart, StatementPlan
from commercekit.payments.rules import last_day, ready_at
from commercekit.payments.service.desk import Desk, logger
from commercekit.payments.service.settle_statement import settle_statement
from commercekit.platform.failpoints import failpoint
from commercekit.platform.providers import ProviderError, ProviderUnavailable

if TYPE_CHECKING:
    from commercekit.payments.service.gateways import GatewayAccount
    from commercekit.platform.db import UnitOfWork

__all__ = ["expect_statements", "reconcile_day", "reconcile_due"]

_PART: Final = 1000
_CLAIM: Final = timedelta(minutes=30)
"""How long a statement is left alone if the process that reads it dies."""
_AGAIN: Final = timedelta(minutes=30)
_LONGEST: Final = timedelta(hours=6)


async def expect_statements(desk: Desk) -> None:
    """Write down which statements are due by now: of each account every day since it was used first."""
    now = desk.clock.now()
    for at in desk.gateways.accounts():
        plan = at.gateway.capabilities.statement
        if plan is None:
            continue
        place = (at.gateway.code, at.account)
        newest = last_day(plan, now)
        known = await desk.rows.last_statement_day(desk.db, *place)
        if known is None:
            first = await desk.rows.first_payment_day(desk.db, *place, plan.utc_offset)
        else:
            first = known + timedelta(days=1)
        if first is None or first > newest:
            continue
        first = max(first, newest - timedelta(days=plan.days_kept - 1))
        days = [first + timedelta(days=n) for n in range((newest - first).days + 1)]

        async def work(
            uow: UnitOfWork,
            place: tuple[str, str] = place,
            days: list[date] = days,
            plan: StatementPlan = plan,
        ) -> None:
            ready = [(day, ready_at(plan, day)) for day in days]
            await desk.rows.expect_statements(uow, *place, ready)

        await desk.db.run(work)
    failpoint("payments.statements-expected")


async def reconcile_due(desk: Desk) -> int:
    """Read and settle one statement that is due; gives how many there were: one, or none."""
    statement = await _claim(desk, None)
    if statement is None:
        return 0
    await _reconcile(desk, statement)
    return 1


async def reconcile_day(desk: Desk, gateway: str, account: str, day: date) -> Statement:
    """See :meth:`PaymentService.reconcile`."""
    at = desk.gateways.account(gateway, account)
    plan = at.gateway.capabilities.statement
    if plan is None:
        message = f"{gateway} gives no statements."
        raise StatementNotKept(message)
    ready = ready_at(plan, day)
    if ready > desk.clock.now():
        raise StatementNotReady(gateway, account, day, ready)

    async def expect(uow: UnitOfWork) -> UUID:
        await desk.rows.expect_statements(uow, gateway, account, [(day, ready)])
        found = await desk.rows.statement_of(uow, gateway, account, day)
        if found is None:
            message = "a statement vanished"
            raise RuntimeError(message)
        await desk.rows.read_again(uow, found.id, desk.clock.now())
        return found.id

    statement_id = await desk.db.run(expect)
    claimed = await _claim(desk, statement_id)
    if claimed is not None:
        await _reconcile(desk, claimed)
    found = await desk.rows.statement(desk.db, statement_id)
    return cast("Statement", found)


async def _claim(desk: Desk, only: UUID | None) -> Statement | None:
    now = desk.clock.now()

    async def work(uow: UnitOfWork) -> Statement | None:
        return await desk.rows.claim_statement(uow, now=now, again=now + _CLAIM, only=only)

    claimed = await desk.db.run(work)
    failpoint("payments.statement-claimed")
    return claimed


async def _reconcile(desk: Desk, statement: Statement) -> None:
    if statement.state is StatementState.WAITING and not await _read(desk, statement):
        return
    await settle_statement(desk, statement.id)


async def _read(desk: Desk, statement: Statement) -> bool:
    """Write down every line; ``False`` when the provider does not give all of them now."""
    name = f"{statement.gateway}/{statement.account} {statement.day}"
    try:
        at = desk.gateways.account(statement.gateway, statement.account)
        await _keep_all(desk, at, statement)
    except (ProviderError, WebhookUnknown) as error:
        logger.warning("statement %s cannot be read: %s", name, error)
        await _put_off(desk, statement, error)
        return False

    async def work(uow: UnitOfWork) -> None:
        await desk.rows.mark_read(uow, statement.id)
        kind = AttentionKind.STATEMENT_MISSING.value
        await desk.rows.settle_statement_call(uow, statement.id, kind)

    await desk.db.run(work)
    failpoint("payments.statement-read")
    return True


async def _keep_all(desk: Desk, at: GatewayAccount, statement: Statement) -> None:
    lines: AsyncIterator[StatementLine] | None = None

    async def next_part() -> StatementPart:
        nonlocal lines
        if lines is None:
            lines = aiter(at.gateway.reconcile(at.context, statement.day))
        part: list[StatementLine] = []
        async for line in lines:
            part.append(line)
            if len(part) == _PART:
                break
        return StatementPart(part)

    try:
        while part := (await desk.gateways.ask(at, "reconcile", next_part)).lines:
            await desk.db.run(partial(desk.rows.keep_lines, statement=statement, lines=part))
            failpoint("payments.statement-part-kept")
            if len(part) < _PART:
                return
    finally:
        if isinstance(lines, AsyncGenerator):
            await lines.aclose()


async def _put_off(desk: Desk, statement: Statement, error: Exception) -> None:
    now = desk.clock.now()
    wait = min(_AGAIN * 2 ** min(statement.attempts - 1, 8), _LONGEST)
    if isinstance(error, ProviderUnavailable) and error.retry_after:
        wait = max(wait, timedelta(seconds=error.retry_after))
    late = now - statement.first_due_at >= desk.settings.statement_alarm_after

    async def work(uow: UnitOfWork) -> bool:
        await desk.rows.put_off_statement(
            uow, statement.id, due_at=now + wait, problem=str(error) or type(error).__name__
        )
        if not late:
            return False
        detail = f"{statement.day}: {error}"[:500]
        kind = AttentionKind.STATEMENT_MISSING.value
        return await desk.rows.call_for_statement(uow, statement, kind, detail)

    if await desk.db.run(work):
        name = f"{statement.gateway}/{statement.account} {statement.day}"
        logger.error("statement %s needs a person: it cannot be had", name)

"""The books beside payments: statements, what differs from them, and the ledger as a whole."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.kernel import Page, PageRequest
from commercekit.payments.errors import DifferenceNotFound, StatementNotFound
from commercekit.payments.models import StatementReport
from commercekit.payments.service.read_payments import ReadPayments
from commercekit.payments.service.read_statements import (
    expect_statements,
    reconcile_day,
    reconcile_due,
)
from commercekit.payments.service.resolve_difference import resolve_difference
from commercekit.platform.security import EVERYWHERE, narrowed, narrowed_page

if TYPE_CHECKING:
    from commercekit.payments.models import (
        Balance,
        Decision,
        Difference,
        LedgerEntry,
        Statement,
        StoredLine,
    )
    from commercekit.payments.repository.differences import BookedEntry
    from commercekit.platform.security import Reach

__all__ = ["KeepBooks"]


class KeepBooks(ReadPayments):
    """Reads providers' statements, compares them with the books, and says what differs."""

    async def reconcile_due(self) -> int:
        """Read and compare every statement that is due; gives how many were looked at.

        Several processes share the work. A statement that cannot be had is tried again later, and is an
        alarm after ``[payments] statement_alarm_after``.
        """
        await expect_statements(self._desk)
        done = 0
        while await reconcile_due(self._desk):
            done += 1
        return done

    async def reconcile(self, gateway: str, account: str, day: date) -> Statement:
        """Read the statement of ``day`` now, again if it was read before, and compare it.

        Nothing is booked twice. When the provider does not give it the statement says why
        (``problem``). Raises :class:`~commercekit.payments.WebhookUnknown`,
        :class:`~commercekit.payments.StatementNotKept` and
        :class:`~commercekit.payments.StatementNotReady`.
        """
        return await reconcile_day(self._desk, gateway, account, day)

    async def statement_page(
        self,
        page: PageRequest,
        *,
        gateway: str | None = None,
        account: str | None = None,
        state: str | None = None,
    ) -> Page[Statement]:
        """Statements, the newest day first; the cursor is ``day/id``."""
        before = None
        if page.after is not None:
            before = (date.fromisoformat(page.after[0]), UUID(page.after[1]))
        items = await self._desk.rows.statement_page(
            self._desk.db,
            limit=page.limit + 1,
            before=before,
            gateway=gateway,
            account=account,
            state=state,
        )
        more = len(items) > page.limit
        items = items[: page.limit]
        return Page(items=items, next_cursor=f"{items[-1].day}/{items[-1].id}" if more else None)

    async def statement_report(self, statement_id: UUID) -> StatementReport:
        """A statement, its sums, and its differences, resolved ones too.

        Raises :class:`~commercekit.payments.StatementNotFound`.
        """
        db, rows = self._desk.db, self._desk.rows
        statement = await rows.statement(db, statement_id)
        if statement is None:
            raise StatementNotFound(statement_id)
        differences = await rows.difference_page(
            db,
            limit=1000,
            after=None,
            kind=None,
            statement_id=statement_id,
            gateway=None,
            resolved=None,
        )
        sums = await rows.sums_of(db, statement_id)
        return StatementReport(statement=statement, sums=sums, differences=differences)

    async def statement_lines(
        self, statement_id: UUID, page: PageRequest, *, outcome: str | None = None
    ) -> Page[StoredLine]:
        """The lines of a statement, in the order they were read."""
        items = await self._desk.rows.statement_lines(
            self._desk.db,
            statement_id,
            after=None if page.after is None else UUID(page.after[0]),
            limit=page.limit + 1,
            outcome=outcome,
        )
        more = len(items) > page.limit
        items = items[: page.limit]
        return Page(items=items, next_cursor=str(items[-1].id) if more else None)

    async def difference(self, difference_id: UUID, *, reach: Reach = EVERYWHERE) -> Difference:
        """One difference, or :class:`~commercekit.payments.DifferenceNotFound`, beyond ``reach`` too."""
        found = await self._desk.rows.difference(self._desk.db, difference_id)
        if found is None or not await self._reaches(found.reference, reach):
            raise DifferenceNotFound(difference_id)
        return found

    async def difference_page(
        self,
        page: PageRequest,
        *,
        kind: str | None = None,
        gateway: str | None = None,
        statement_id: UUID | None = None,
        resolved: bool | None = False,
        reach: Reach = EVERYWHERE,
    ) -> Page[Difference]:
        """Differences within ``reach``, oldest first; open ones, unless ``resolved`` says otherwise.

        What is about no payment of the shop is within no limit.
        """

        async def read(limit: int, after: UUID | None) -> list[Difference]:
            return await self._desk.rows.difference_page(
                self._desk.db,
                limit=limit,
                after=after,
                kind=kind,
                statement_id=statement_id,
                gateway=gateway,
                resolved=resolved,
            )

        return await narrowed_page(page, read, reach, self._references)

    async def resolve_difference(
        self,
        difference_id: UUID,
        *,
        decision: Decision,
        actor: str,
        reason: str,
        reach: Reach = EVERYWHERE,
    ) -> Difference:
        """Decide about a difference. Audited; resolving again changes nothing.

        ``booked`` takes it into the ledger against the account of what nobody has explained yet
        (``suspense:…``), ``written_off`` against ``written-off``; ``explained`` books nothing. Raises
        :class:`~commercekit.payments.DifferenceNotBookable` where there is no amount.
        """
        if not reach.everything:
            await self.difference(difference_id, reach=reach)
        return await resolve_difference(
            self._desk, difference_id, decision=decision, actor=actor, reason=reason
        )

    async def balances(
        self, *, account: str | None = None, until: datetime | None = None
    ) -> list[Balance]:
        """What each account of the ledger holds, by currency; ``account`` may end with ``*``.

        Of the months that are in the shop: an archived month takes its bookings with it.
        """
        return await self._desk.rows.balances(self._desk.db, account=account, until=until)

    async def ledger_page(
        self,
        page: PageRequest,
        *,
        account: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        reach: Reach = EVERYWHERE,
    ) -> Page[LedgerEntry]:
        """Bookings within ``reach``, oldest first; the cursor is ``moment/id``.

        What belongs to no payment, such as a payout, is within no limit.
        """
        after = None
        if page.after is not None:
            after = (datetime.fromisoformat(page.after[0]), UUID(page.after[1]))

        async def read(limit: int, after: tuple[datetime, UUID] | None) -> list[BookedEntry]:
            return await self._desk.rows.ledger_page(
                self._desk.db, limit=limit, account=account, after=after, since=since, until=until
            )

        found, last = await narrowed(
            page.limit, after, read, reach, self._references, place_of=lambda each: each.place
        )
        cursor = None if last is None else f"{last[0].isoformat()}/{last[1]}"
        return Page(items=[each.entry for each in found], next_cursor=cursor)

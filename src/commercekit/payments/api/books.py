"""``/admin/payments/{statements,differences,ledger}``: the books, and what does not agree with them."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.params import Parameter, QueryParameter
from msgspec import Meta, Struct

from commercekit.kernel import Money, Page, parse_accept_language, pick
from commercekit.payments.models import (
    ADVICE,
    Balance,
    Decision,
    Difference,
    DifferenceKind,
    LedgerEntry,
    LineOutcome,
    Statement,
    StatementState,
    StatementSum,
    StoredLine,
)
from commercekit.payments.service import PaymentService
from commercekit.platform.http import Input, PageCursor, PageLimit, page_answer, page_request
from commercekit.platform.security import LimitKind, principal_of, reach_of, requires

__all__ = ["AdminDifferences", "AdminLedger", "AdminStatements"]

_BY_MARKET = (LimitKind.MARKET,)
"""A statement adds up what all markets of a merchant account did; what it is about one payment does not."""
_Gateway = Annotated[str | None, Parameter(max_length=100, description="Only of this gateway")]
_AccountName = Annotated[
    str | None,
    Parameter(max_length=200, description="Only this account; `gateway:*` for all that begin so"),
]
_Moment = Annotated[datetime | None, Parameter(description="Aware; bookings made before or since")]


class ReconciliationInput(Input):
    """Which day of which merchant account is to be read now."""

    gateway: Annotated[str, Meta(min_length=1, max_length=100)]
    day: date
    account: Annotated[str, Meta(min_length=1, max_length=100)] = "default"


class DecisionInput(Input):
    """What is to be done about a difference, and why; kept with the name of who decided."""

    decision: Decision
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class DifferenceView(Struct, frozen=True, kw_only=True):
    """One difference, and what to do about it."""

    id: UUID
    statement_id: UUID
    line_id: UUID | None
    kind: DifferenceKind
    gateway: str
    account: str
    day: date
    payment_id: UUID | None
    refund_id: UUID | None
    reference: str
    stated: Money | None
    expected: Money | None
    detail: str
    advice: str
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    decision: Decision | None
    resolution: str


class StatementReportView(Struct, frozen=True, kw_only=True):
    """A statement, its sums, and what differs."""

    statement: Statement
    sums: list[StatementSum]
    differences: list[DifferenceView]


class BalanceView(Struct, frozen=True, kw_only=True):
    """What one account of the ledger holds in one currency."""

    account: str
    currency: str
    debit: int
    credit: int
    balance: int


def difference_view(difference: Difference, languages: tuple[str, ...]) -> DifferenceView:
    """One difference for staff."""
    told = {name: getattr(difference, name) for name in difference.__struct_fields__}
    return DifferenceView(advice=pick(ADVICE[difference.kind], languages), **told)


def _languages(request: Request[Any, Any, Any]) -> tuple[str, ...]:
    return parse_accept_language(request.headers.get("accept-language"))


def _balance(balance: Balance) -> BalanceView:
    return BalanceView(
        account=balance.account,
        currency=balance.currency,
        debit=balance.debit,
        credit=balance.credit,
        balance=balance.balance,
    )


class AdminStatements(Controller):
    """``/admin/payments/statements``."""

    path = "/admin/payments/statements"
    tags = ["Payments"]

    @get(
        "/",
        operation_id="AdminListStatements",
        summary="Statements of merchant accounts, the newest day first",
        guards=[requires("payments:read")],
    )
    async def list_statements(
        self,
        request: Request[Any, Any, Any],
        payments: PaymentService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        gateway: _Gateway = None,
        account: _Gateway = None,
        status: Annotated[
            StatementState | None, QueryParameter(name="state", description="Only these")
        ] = None,
    ) -> Page[Statement]:
        page = await payments.statement_page(
            page_request(request, limit, cursor), gateway=gateway, account=account, state=status
        )
        after = None if page.next_cursor is None else tuple(page.next_cursor.split("/"))
        return page_answer(request, page.items, after)

    @post(
        "/",
        operation_id="AdminReadStatement",
        summary="Read and compare the statement of a day now, again if it was before",
        status_code=200,
        guards=[requires("payments:write")],
    )
    async def read(self, data: ReconciliationInput, payments: PaymentService) -> Statement:
        return await payments.reconcile(data.gateway, data.account, data.day)

    @get(
        "/{statement_id:uuid}",
        operation_id="AdminGetStatement",
        summary="One statement: its sums, and what differs",
        guards=[requires("payments:read")],
    )
    async def report(
        self, request: Request[Any, Any, Any], statement_id: UUID, payments: PaymentService
    ) -> StatementReportView:
        report = await payments.statement_report(statement_id)
        languages = _languages(request)
        return StatementReportView(
            statement=report.statement,
            sums=report.sums,
            differences=[difference_view(each, languages) for each in report.differences],
        )

    @get(
        "/{statement_id:uuid}/lines",
        operation_id="AdminListStatementLines",
        summary="The lines of a statement, as they were read, and what became of each",
        guards=[requires("payments:read")],
    )
    async def lines(
        self,
        request: Request[Any, Any, Any],
        statement_id: UUID,
        payments: PaymentService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        outcome: Annotated[LineOutcome | None, Parameter(description="Only these")] = None,
    ) -> Page[StoredLine]:
        page = await payments.statement_lines(
            statement_id, page_request(request, limit, cursor), outcome=outcome
        )
        after = None if page.next_cursor is None else (page.next_cursor,)
        return page_answer(request, page.items, after)


class AdminDifferences(Controller):
    """``/admin/payments/differences``."""

    path = "/admin/payments/differences"
    tags = ["Payments"]

    @get(
        "/",
        operation_id="AdminListDifferences",
        summary="What statements and the books do not agree about, oldest first",
        guards=[requires("payments:read", limited_by=_BY_MARKET)],
    )
    async def list_differences(
        self,
        request: Request[Any, Any, Any],
        payments: PaymentService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        kind: Annotated[DifferenceKind | None, Parameter(description="Only these")] = None,
        gateway: _Gateway = None,
        resolved: Annotated[
            bool | None, Parameter(description="Those that were decided instead")
        ] = None,
    ) -> Page[DifferenceView]:
        page = await payments.difference_page(
            page_request(request, limit, cursor),
            kind=kind,
            gateway=gateway,
            resolved=bool(resolved),
            reach=reach_of(request),
        )
        languages = _languages(request)
        after = None if page.next_cursor is None else (page.next_cursor,)
        return page_answer(
            request, [difference_view(each, languages) for each in page.items], after
        )

    @post(
        "/{difference_id:uuid}/resolve",
        operation_id="AdminResolveDifference",
        summary="Decide about a difference: explained, booked, or written off",
        status_code=200,
        guards=[requires("payments:write", step_up=True, limited_by=_BY_MARKET)],
    )
    async def resolve(
        self,
        request: Request[Any, Any, Any],
        difference_id: UUID,
        data: DecisionInput,
        payments: PaymentService,
    ) -> DifferenceView:
        resolved = await payments.resolve_difference(
            difference_id,
            decision=data.decision,
            actor=principal_of(request).id,
            reason=data.reason,
            reach=reach_of(request),
        )
        return difference_view(resolved, _languages(request))


class AdminLedger(Controller):
    """``/admin/payments/ledger``: double entry for all money; nothing in it is ever changed."""

    path = "/admin/payments/ledger"
    tags = ["Payments"]

    @get(
        "/",
        operation_id="AdminListLedger",
        summary="Bookings, oldest first",
        guards=[requires("payments:read", limited_by=_BY_MARKET)],
    )
    async def entries(
        self,
        request: Request[Any, Any, Any],
        payments: PaymentService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        account: _AccountName = None,
        since: _Moment = None,
        until: _Moment = None,
    ) -> Page[LedgerEntry]:
        page = await payments.ledger_page(
            page_request(request, limit, cursor),
            account=account,
            since=since,
            until=until,
            reach=reach_of(request),
        )
        after = None if page.next_cursor is None else tuple(page.next_cursor.split("/"))
        return page_answer(request, page.items, after)

    @get(
        "/balances",
        operation_id="AdminListBalances",
        summary="What each account of the ledger holds, by currency",
        guards=[requires("payments:read")],
    )
    async def balances(
        self, payments: PaymentService, account: _AccountName = None, until: _Moment = None
    ) -> list[BalanceView]:
        return [_balance(one) for one in await payments.balances(account=account, until=until)]

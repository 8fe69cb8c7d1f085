"""``/admin/payments/{cash,hand-ins}``: what collectors still have, and what they hand in."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import Parameter
from msgspec import Meta, Struct

from commercekit.kernel import Money, Page
from commercekit.payments.models import CashHeld, CashSum, HandIn, HandInWish
from commercekit.payments.service import PaymentService
from commercekit.platform.http import (
    Answer,
    IdempotentRun,
    Input,
    PageCursor,
    PageLimit,
    idempotent,
    page_answer,
    page_request,
)
from commercekit.platform.security import LimitKind, principal_of, reach_of, requires

__all__ = ["AdminCash", "AdminHandIns"]

_BY_MARKET = (LimitKind.MARKET,)
_Name = Annotated[str, Meta(min_length=1, max_length=100)]
_Only = Annotated[str | None, Parameter(max_length=100, description="Only of this one")]


class HandInLineInput(Input):
    """One payment on the slip; without an amount all that is left of it."""

    payment_id: UUID
    amount: Money | None = None


class HandInInput(Input, kw_only=True):
    """What was handed in, by the slip that says so."""

    gateway: _Name
    account: _Name = "default"
    slip: _Name
    amount: Money
    """What the shop has in hand."""
    fee: Money | None = None
    """What the collector kept of it."""
    lines: Annotated[list[HandInLineInput], Meta(min_length=1, max_length=1000)]
    note: Annotated[str, Meta(max_length=500)] = ""


class CancelHandInInput(Input):
    """Why it was wrong."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class CashView(Struct, frozen=True, kw_only=True):
    """Money that was collected for one payment and is not wholly handed in."""

    payment_id: UUID
    reference: str
    gateway: str
    account: str
    collected: Money
    handed_in: Money
    left: Money
    collected_at: datetime


def _view(cash: CashHeld) -> CashView:
    return CashView(
        payment_id=cash.id,
        reference=cash.reference,
        gateway=cash.gateway,
        account=cash.account,
        collected=cash.collected,
        handed_in=cash.handed_in,
        left=cash.left,
        collected_at=cash.collected_at,
    )


class AdminCash(Controller):
    """``/admin/payments/cash``."""

    path = "/admin/payments/cash"
    tags = ["Payments"]

    @get(
        "/",
        operation_id="AdminListCash",
        summary="What was collected and is not handed in, oldest first",
        guards=[requires("payments:read", limited_by=_BY_MARKET)],
    )
    async def held(
        self,
        request: Request[Any, Any, Any],
        payments: PaymentService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        gateway: _Only = None,
        account: _Only = None,
        reference: _Only = None,
    ) -> Page[CashView]:
        page = await payments.cash_page(
            page_request(request, limit, cursor),
            gateway=gateway,
            account=account,
            reference=reference,
            reach=reach_of(request),
        )
        after = None if page.next_cursor is None else (page.next_cursor,)
        return page_answer(request, [_view(each) for each in page.items], after)

    @get(
        "/sums",
        operation_id="AdminListCashSums",
        summary="The same by account and currency, and since when",
        guards=[requires("payments:read")],
    )
    async def sums(
        self, payments: PaymentService, gateway: _Only = None, account: _Only = None
    ) -> list[CashSum]:
        return await payments.cash_sums(gateway=gateway, account=account)


class AdminHandIns(Controller):
    """``/admin/payments/hand-ins``."""

    path = "/admin/payments/hand-ins"
    tags = ["Payments"]

    @get(
        "/",
        operation_id="AdminListHandIns",
        summary="What was handed in, newest first",
        guards=[requires("payments:read")],
    )
    async def list_hand_ins(
        self,
        request: Request[Any, Any, Any],
        payments: PaymentService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        gateway: _Only = None,
        account: _Only = None,
    ) -> Page[HandIn]:
        page = await payments.hand_in_page(
            page_request(request, limit, cursor), gateway=gateway, account=account
        )
        after = None if page.next_cursor is None else (page.next_cursor,)
        return page_answer(request, page.items, after)

    @get(
        "/{hand_in_id:uuid}",
        operation_id="AdminGetHandIn",
        summary="One hand-in with its payments",
        guards=[requires("payments:read")],
    )
    async def read(self, hand_in_id: UUID, payments: PaymentService) -> HandIn:
        return await payments.hand_in(hand_in_id)

    @post(
        "/",
        operation_id="AdminRecordHandIn",
        summary="Book what a collector handed in, such as a carrier the cash of its deliveries",
        guards=[requires("payments:write", limited_by=_BY_MARKET)],
    )
    async def record(
        self, request: Request[Any, Any, Any], data: HandInInput, payments: PaymentService
    ) -> Response[HandIn]:
        async def work(run: IdempotentRun) -> Answer:
            made = await payments.record_hand_in(
                run.id,
                gateway=data.gateway,
                account=data.account,
                slip=data.slip,
                wanted=[
                    HandInWish(payment_id=line.payment_id, amount=line.amount)
                    for line in data.lines
                ],
                amount=data.amount,
                fee=data.fee,
                actor=principal_of(request).id,
                note=data.note,
                reach=reach_of(request),
            )
            return Answer(201, made)

        return await idempotent(request, scope="payments.hand-in", work=work)

    @post(
        "/{hand_in_id:uuid}/cancel",
        operation_id="AdminCancelHandIn",
        summary="Take back a hand-in that was booked wrongly",
        status_code=200,
        guards=[requires("payments:write", step_up=True)],
    )
    async def cancel(
        self,
        request: Request[Any, Any, Any],
        hand_in_id: UUID,
        data: CancelHandInInput,
        payments: PaymentService,
    ) -> HandIn:
        return await payments.cancel_hand_in(
            hand_in_id, actor=principal_of(request).id, reason=data.reason
        )

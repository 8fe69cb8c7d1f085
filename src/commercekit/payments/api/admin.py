"""``/admin/payments`` and ``/admin/refunds``: look, capture, let go, collect, try again."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import Parameter
from msgspec import Meta

from commercekit.kernel import Money, Page
from commercekit.payments.api.views import (
    AttentionView,
    PaymentDetail,
    PaymentView,
    RefundView,
    attention_view,
    dispute_view,
    payment_view,
    refund_view,
)
from commercekit.payments.models import AttentionKind, PaymentStatus, RefundStatus
from commercekit.payments.service import PaymentService
from commercekit.platform.http import (
    Answer,
    IdempotentRun,
    Input,
    PageCursor,
    PageLimit,
    etag_of,
    idempotent,
    page_answer,
    page_request,
    refuses,
)
from commercekit.platform.security import LimitKind, principal_of, reach_of, requires

__all__ = ["AdminPayments", "AdminRefunds"]

BY_MARKET = (LimitKind.MARKET,)
"""What a payment is for belongs to a market."""
_Reference = Annotated[str | None, Parameter(max_length=100, description="Only of this reference")]


class CaptureInput(Input):
    """How much to take; without an amount all that is held."""

    amount: Money | None = None
    final: bool = True
    """What is left is given up; ``false`` keeps it held where the gateway allows several captures."""


class ResolutionInput(Input):
    """What was done about it; kept with the name of who did it."""

    resolution: Annotated[str, Meta(min_length=1, max_length=500)]


class ConfirmationInput(Input):
    """How the money was paid out; kept in the payment's history."""

    note: Annotated[str, Meta(max_length=500)] = ""


class CollectionInput(Input):
    """What was handed over: exactly what was asked for."""

    amount: Money
    note: Annotated[str, Meta(max_length=500)] = ""


class AdminPayments(Controller):
    """``/admin/payments``."""

    path = "/admin/payments"
    tags = ["Payments"]
    opt = refuses(410)

    @get(
        "/",
        operation_id="AdminListPayments",
        summary="Payments, newest first",
        guards=[requires("payments:read", limited_by=BY_MARKET)],
    )
    async def list_payments(
        self,
        request: Request[Any, Any, Any],
        payments: PaymentService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        status: Annotated[PaymentStatus | None, Parameter(description="Only these")] = None,
        reference: _Reference = None,
        gateway: Annotated[str | None, Parameter(max_length=100, description="Only by it")] = None,
    ) -> Page[PaymentView]:
        page = await payments.payment_page(
            page_request(request, limit, cursor),
            status=status,
            reference=reference,
            gateway=gateway,
            reach=reach_of(request),
        )
        after = None if page.next_cursor is None else (page.next_cursor,)
        return page_answer(request, [payment_view(item) for item in page.items], after)

    @get(
        "/attention",
        operation_id="AdminListPaymentAttention",
        summary="What a person has to see to, oldest first",
        guards=[requires("payments:read", limited_by=BY_MARKET)],
    )
    async def list_attention(
        self,
        request: Request[Any, Any, Any],
        payments: PaymentService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        kind: Annotated[AttentionKind | None, Parameter(description="Only these")] = None,
        resolved: Annotated[
            bool | None, Parameter(description="Those that were seen to instead")
        ] = None,
    ) -> Page[AttentionView]:
        page = await payments.attention_page(
            page_request(request, limit, cursor),
            kind=kind,
            resolved=bool(resolved),
            reach=reach_of(request),
        )
        after = None if page.next_cursor is None else (page.next_cursor,)
        return page_answer(request, [attention_view(item) for item in page.items], after)

    @post(
        "/attention/{attention_id:uuid}/resolve",
        operation_id="AdminResolvePaymentAttention",
        summary="Say that it has been seen to, and how",
        status_code=200,
        guards=[requires("payments:write", limited_by=BY_MARKET)],
    )
    async def resolve_attention(
        self,
        request: Request[Any, Any, Any],
        attention_id: UUID,
        data: ResolutionInput,
        payments: PaymentService,
    ) -> AttentionView:
        resolved = await payments.resolve_attention(
            attention_id,
            actor=principal_of(request).id,
            resolution=data.resolution,
            reach=reach_of(request),
        )
        return attention_view(resolved)

    @get(
        "/{payment_id:uuid}",
        operation_id="AdminGetPayment",
        summary="One payment with its refunds, bookings and history",
        guards=[requires("payments:read", limited_by=BY_MARKET)],
    )
    async def read(
        self, request: Request[Any, Any, Any], payment_id: UUID, payments: PaymentService
    ) -> Response[PaymentDetail]:
        payment = await payments.payment(payment_id, reach=reach_of(request))
        detail = PaymentDetail(
            payment=payment_view(payment),
            refunds=[refund_view(refund) for refund in await payments.refunds_on(payment.id)],
            disputes=[dispute_view(each) for each in await payments.disputes_on(payment.id)],
            ledger=await payments.ledger(payment.id),
            history=await payments.history(payment.id),
        )
        return Response(detail, headers={"ETag": etag_of(payment.version)})

    @post(
        "/{payment_id:uuid}/capture",
        operation_id="AdminCapturePayment",
        summary="Take money that is authorised",
        status_code=200,
        guards=[requires("payments:write", limited_by=BY_MARKET)],
    )
    async def capture(
        self,
        request: Request[Any, Any, Any],
        payment_id: UUID,
        data: CaptureInput,
        payments: PaymentService,
    ) -> Response[PaymentView]:
        async def work(run: IdempotentRun) -> Answer:
            await payments.payment(payment_id, reach=reach_of(request))
            payment = await payments.capture(
                payment_id,
                data.amount,
                final=data.final,
                actor=principal_of(request).id,
                operation_id=run.id,
            )
            return Answer(200, payment_view(payment))

        return await idempotent(request, scope="payments.capture", work=work)

    @post(
        "/{payment_id:uuid}/void",
        operation_id="AdminVoidPayment",
        summary="Let an authorisation go",
        status_code=200,
        guards=[requires("payments:write", limited_by=BY_MARKET)],
    )
    async def void(
        self, request: Request[Any, Any, Any], payment_id: UUID, payments: PaymentService
    ) -> Response[PaymentView]:
        async def work(run: IdempotentRun) -> Answer:
            await payments.payment(payment_id, reach=reach_of(request))
            payment = await payments.void(
                payment_id, actor=principal_of(request).id, operation_id=run.id
            )
            return Answer(200, payment_view(payment))

        return await idempotent(request, scope="payments.void", work=work)

    @post(
        "/{payment_id:uuid}/record-collection",
        operation_id="AdminRecordCollection",
        summary="Book money that was handed over, such as cash on delivery",
        status_code=200,
        guards=[requires("payments:write", limited_by=BY_MARKET)],
    )
    async def record_collection(
        self,
        request: Request[Any, Any, Any],
        payment_id: UUID,
        data: CollectionInput,
        payments: PaymentService,
    ) -> Response[PaymentView]:
        async def work(run: IdempotentRun) -> Answer:
            await payments.payment(payment_id, reach=reach_of(request))
            payment = await payments.record_collection(
                payment_id,
                data.amount,
                actor=principal_of(request).id,
                operation_id=run.id,
                note=data.note,
            )
            return Answer(200, payment_view(payment))

        return await idempotent(request, scope="payments.collection", work=work)

    @post(
        "/{payment_id:uuid}/query",
        operation_id="AdminQueryPayment",
        summary="Ask the gateway what it knows, now",
        status_code=200,
        guards=[requires("payments:write", limited_by=BY_MARKET)],
    )
    async def query(
        self, request: Request[Any, Any, Any], payment_id: UUID, payments: PaymentService
    ) -> PaymentView:
        await payments.payment(payment_id, reach=reach_of(request))
        return payment_view(await payments.query(payment_id))


class AdminRefunds(Controller):
    """``/admin/refunds``. Refunds are asked for on orders; here is what became of the money."""

    path = "/admin/refunds"
    tags = ["Payments"]
    opt = refuses(410)

    @get(
        "/",
        operation_id="AdminListRefunds",
        summary="Refunds, newest first",
        guards=[requires("refunds:read", limited_by=BY_MARKET)],
    )
    async def list_refunds(
        self,
        request: Request[Any, Any, Any],
        payments: PaymentService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        status: Annotated[RefundStatus | None, Parameter(description="Only these")] = None,
        reference: _Reference = None,
    ) -> Page[RefundView]:
        page = await payments.refund_page(
            page_request(request, limit, cursor),
            status=status,
            reference=reference,
            reach=reach_of(request),
        )
        after = None if page.next_cursor is None else (page.next_cursor,)
        return page_answer(request, [refund_view(item) for item in page.items], after)

    @get(
        "/{refund_id:uuid}",
        operation_id="AdminGetRefund",
        summary="One refund",
        guards=[requires("refunds:read", limited_by=BY_MARKET)],
    )
    async def read(
        self, request: Request[Any, Any, Any], refund_id: UUID, payments: PaymentService
    ) -> Response[RefundView]:
        refund = await payments.refund(refund_id, reach=reach_of(request))
        return Response(refund_view(refund), headers={"ETag": etag_of(refund.version)})

    @post(
        "/{refund_id:uuid}/retry",
        operation_id="AdminRetryRefund",
        summary="Send a refund again that failed or needs attention",
        status_code=200,
        guards=[requires("refunds:approve", step_up=True, limited_by=BY_MARKET)],
    )
    async def retry(
        self, request: Request[Any, Any, Any], refund_id: UUID, payments: PaymentService
    ) -> Response[RefundView]:
        async def work(run: IdempotentRun) -> Answer:
            await payments.refund(refund_id, reach=reach_of(request))
            refund = await payments.retry_refund(
                refund_id, actor=principal_of(request).id, operation_id=run.id
            )
            return Answer(200, refund_view(refund))

        return await idempotent(request, scope="refunds.retry", work=work)

    @post(
        "/{refund_id:uuid}/confirm",
        operation_id="AdminConfirmRefund",
        summary="Say that a refund which failed or needed a person has been paid out",
        status_code=200,
        guards=[requires("refunds:approve", step_up=True, limited_by=BY_MARKET)],
    )
    async def confirm(
        self,
        request: Request[Any, Any, Any],
        refund_id: UUID,
        payments: PaymentService,
        data: ConfirmationInput | None = None,
    ) -> Response[RefundView]:
        note = "" if data is None else data.note

        async def work(run: IdempotentRun) -> Answer:
            await payments.refund(refund_id, reach=reach_of(request))
            refund = await payments.confirm_refund(
                refund_id, actor=principal_of(request).id, operation_id=run.id, note=note
            )
            return Answer(200, refund_view(refund))

        return await idempotent(request, scope="refunds.confirm", work=work)

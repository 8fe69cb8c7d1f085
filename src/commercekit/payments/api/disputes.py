"""``/admin/payments/disputes``: what payers' banks ask back."""

from typing import Annotated, Any

from litestar import Controller, Request, get
from litestar.params import Parameter, QueryParameter

from commercekit.kernel import Page
from commercekit.payments.api.views import DisputeView, dispute_view
from commercekit.payments.providers import DisputeState
from commercekit.payments.service import PaymentService
from commercekit.platform.http import PageCursor, PageLimit, page_answer, page_request
from commercekit.platform.security import LimitKind, reach_of, requires

__all__ = ["AdminDisputes"]


class AdminDisputes(Controller):
    """``/admin/payments/disputes``. They are answered at the provider; here is what became of them."""

    path = "/admin/payments/disputes"
    tags = ["Payments"]

    @get(
        "/",
        operation_id="AdminListDisputes",
        summary="Disputes, newest first",
        guards=[requires("payments:read", limited_by=(LimitKind.MARKET,))],
    )
    async def list_disputes(
        self,
        request: Request[Any, Any, Any],
        payments: PaymentService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        status: Annotated[
            DisputeState | None, QueryParameter(name="state", description="Only these")
        ] = None,
        reference: Annotated[
            str | None, Parameter(max_length=100, description="Only of this reference")
        ] = None,
        open_only: Annotated[
            bool | None, QueryParameter(name="open", description="Only those not decided yet")
        ] = None,
    ) -> Page[DisputeView]:
        page = await payments.dispute_page(
            page_request(request, limit, cursor),
            state=status,
            reference=reference,
            open_only=bool(open_only),
            reach=reach_of(request),
        )
        after = None if page.next_cursor is None else (page.next_cursor,)
        return page_answer(request, [dispute_view(item) for item in page.items], after)

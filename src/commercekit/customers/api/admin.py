"""``/admin/customers`` and ``/admin/segments``: who buys here, as far as staff need to know."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, get, post, put
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from commercekit.customers.models import BookedAddress, Customer, Segment, SegmentCode
from commercekit.customers.service import CustomerService
from commercekit.kernel import Page, Translations
from commercekit.platform.http import (
    Input,
    PageCursor,
    PageLimit,
    current_request_id,
    page_answer,
    page_request,
)
from commercekit.platform.security import LimitKind, principal_of, reach_of, requires

__all__ = ["AdminCustomers", "AdminSegments"]

_BY_SEGMENT = (LimitKind.SEGMENT,)
READ = [requires("customers:read", limited_by=_BY_SEGMENT)]
SEGMENTS = [requires("segments:read", limited_by=_BY_SEGMENT)]
CHANGE_SEGMENTS = [requires("segments:write")]
CHANGE_MEMBERS = [requires("segments:write", limited_by=_BY_SEGMENT)]


class UnmaskInput(Input):
    """Why somebody has to know; it is written into the audit trail."""

    reason: Annotated[str, Meta(min_length=5, max_length=500, pattern=r"(?:\S\s*){5}")]


class PersonView(Struct, frozen=True, kw_only=True):
    """Who a customer is."""

    id: UUID
    email: str
    name: str | None
    addresses: list[BookedAddress]


class SegmentInput(Input):
    """Another segment."""

    code: SegmentCode
    name: Translations


class AdminCustomers(Controller):
    """Customers with an account. Names and addresses are masked until somebody says why not."""

    path = "/admin/customers"
    tags = ["Customers"]

    @get(guards=READ, operation_id="AdminListCustomers", summary="List customers")
    async def list_customers(
        self,
        request: Request[Any, Any, Any],
        customers: CustomerService,
        email: Annotated[str | None, QueryParameter(max_length=254)] = None,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[Customer]:
        """Newest first; or the one whose address is exactly ``email``."""
        found, after = await customers.customers(
            page_request(request, limit, cursor), email=email, reach=reach_of(request)
        )
        return page_answer(request, found, after)

    @get(
        "/{customer_id:uuid}", guards=READ, operation_id="AdminGetCustomer", summary="One customer"
    )
    async def customer(
        self, request: Request[Any, Any, Any], customer_id: UUID, customers: CustomerService
    ) -> Customer:
        """Masked."""
        return await customers.customer(customer_id, reach=reach_of(request))

    @post(
        "/{customer_id:uuid}/unmask",
        guards=[requires("customers:unmask", step_up=True, limited_by=_BY_SEGMENT)],
        status_code=200,
        operation_id="AdminUnmaskCustomer",
        summary="See who a customer is",
    )
    async def unmask(
        self,
        request: Request[Any, Any, Any],
        customer_id: UUID,
        data: UnmaskInput,
        customers: CustomerService,
    ) -> PersonView:
        """That somebody looked, and why, is written down before it is shown."""
        account, addresses = await customers.unmask(
            principal_of(request),
            customer_id,
            data.reason,
            request_id=current_request_id(),
            reach=reach_of(request),
        )
        return PersonView(
            id=account.id, email=account.email, name=account.name, addresses=addresses
        )


class AdminSegments(Controller):
    """Customers who are treated alike; prices and promotions name a segment by its code."""

    path = "/admin/segments"
    tags = ["Customers"]

    @get(guards=SEGMENTS, operation_id="AdminListSegments", summary="List segments")
    async def list_segments(
        self, request: Request[Any, Any, Any], customers: CustomerService
    ) -> list[Segment]:
        """All of them, by code."""
        return await customers.segments(reach=reach_of(request))

    @post(guards=CHANGE_SEGMENTS, operation_id="AdminCreateSegment", summary="Add a segment")
    async def create(
        self, request: Request[Any, Any, Any], data: SegmentInput, customers: CustomerService
    ) -> Segment:
        """Nobody is in it yet."""
        return await customers.add_segment(
            principal_of(request), data.code, data.name, request_id=current_request_id()
        )

    @delete(
        "/{code:str}",
        guards=CHANGE_SEGMENTS,
        operation_id="AdminDeleteSegment",
        summary="Remove a segment",
    )
    async def remove(
        self, request: Request[Any, Any, Any], code: str, customers: CustomerService
    ) -> None:
        """Prices and promotions that name it hold for nobody from then on."""
        await customers.remove_segment(principal_of(request), code, request_id=current_request_id())

    @get(
        "/{code:str}/members",
        guards=SEGMENTS,
        operation_id="AdminListSegmentMembers",
        summary="Who is in a segment",
    )
    async def members(
        self,
        request: Request[Any, Any, Any],
        code: str,
        customers: CustomerService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[UUID]:
        """Ids of customers."""
        found, after = await customers.members(
            code, page_request(request, limit, cursor), reach=reach_of(request)
        )
        return page_answer(request, found, after)

    @put(
        "/{code:str}/members/{customer_id:uuid}",
        guards=CHANGE_MEMBERS,
        status_code=204,
        operation_id="AdminJoinSegment",
        summary="Put a customer into a segment",
    )
    async def join(
        self,
        request: Request[Any, Any, Any],
        code: str,
        customer_id: UUID,
        customers: CustomerService,
    ) -> None:
        """Doing it again changes nothing."""
        await customers.set_member(
            principal_of(request),
            code,
            customer_id,
            member=True,
            request_id=current_request_id(),
            reach=reach_of(request),
        )

    @delete(
        "/{code:str}/members/{customer_id:uuid}",
        guards=CHANGE_MEMBERS,
        operation_id="AdminLeaveSegment",
        summary="Take a customer out of a segment",
    )
    async def leave(
        self,
        request: Request[Any, Any, Any],
        code: str,
        customer_id: UUID,
        customers: CustomerService,
    ) -> None:
        """Doing it again changes nothing."""
        await customers.set_member(
            principal_of(request),
            code,
            customer_id,
            member=False,
            request_id=current_request_id(),
            reach=reach_of(request),
        )

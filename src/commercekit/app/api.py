"""What only the whole shop can tell: its console's pages, and what a customer has bought."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.params import HeaderParameter
from msgspec import Meta

from commercekit.app.people import MyOrder, Purchases
from commercekit.app.surface import Surface
from commercekit.identity import ClaimedCart
from commercekit.kernel import Page, parse_accept_language
from commercekit.platform.extensions import FieldView
from commercekit.platform.http import (
    Input,
    PageCursor,
    PageLimit,
    page_answer,
    page_request,
    refuses,
)
from commercekit.platform.plugins import ConsolePageView
from commercekit.platform.security import (
    LimitKind,
    PermissionView,
    principal_of,
    requires,
    signed_in,
)

__all__ = ["AdminConsole", "StoreMine"]

READ = [requires("console:read", limited_by=tuple(LimitKind))]


class AdminConsole(Controller):
    """Read once by a console when it starts; it changes with the plugins of the shop only."""

    path = "/admin/console"
    tags = ["Console"]

    @get(
        "/pages",
        guards=READ,
        operation_id="AdminListConsolePages",
        summary="Pages that plugins add, as far as the caller may see them",
    )
    async def pages(
        self, request: Request[Any, Any, Any], surface: Surface
    ) -> list[ConsolePageView]:
        """By section, plugin and path."""
        principal = principal_of(request)
        return [page for page in surface.pages if principal.may(page.permission)]

    @get(
        "/permissions",
        guards=READ,
        operation_id="AdminListPermissions",
        summary="Every permission there is, the core's and the plugins'",
    )
    async def permissions(self, surface: Surface) -> list[PermissionView]:
        """What a token can hold."""
        return list(surface.permissions)

    @get(
        "/fields",
        guards=READ,
        operation_id="AdminListExtensionFields",
        summary="Fields that plugins add to products, variants, carts and orders",
    )
    async def fields(self, surface: Surface) -> list[FieldView]:
        """With the JSON Schema of each, to draw a form from."""
        return list(surface.fields.views)


MarketHeader = Annotated[
    str | None,
    HeaderParameter(
        name="X-Market", max_length=64, description="A market's code; the default without"
    ),
]


class CartClaimInput(Input):
    """A guest's cart."""

    id: UUID
    token: Annotated[str, Meta(max_length=100)]


class StoreMine(Controller):
    """Everything here is the caller's own; nothing names an account."""

    path = "/store/me"
    tags = ["Customer accounts"]
    guards = [signed_in()]

    @get("/orders", operation_id="ListMyOrders", summary="What I ordered")
    async def orders(
        self,
        request: Request[Any, Any, Any],
        mine: Purchases,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[MyOrder]:
        """Newest first: every order with my address, before I had an account too."""
        page = page_request(request, limit, cursor)
        before = UUID(page.after[0]) if page.after else None
        found, after = await mine.orders(_me(request), before=before, limit=limit)
        return page_answer(request, found, after)

    @get(
        "/cart",
        opt=refuses(404),
        operation_id="GetMyCart",
        summary="The cart I am filling",
    )
    async def cart(
        self, request: Request[Any, Any, Any], mine: Purchases, market: MarketHeader = None
    ) -> ClaimedCart:
        """With the token that opens it at ``/store/carts``, on any of my devices."""
        return await mine.cart(_me(request), market)

    @post("/cart", status_code=200, operation_id="ClaimCart", summary="Take a guest's cart as mine")
    async def claim(
        self, request: Request[Any, Any, Any], data: CartClaimInput, mine: Purchases
    ) -> ClaimedCart | None:
        """What was in it comes into my cart; the guest's is gone. Doing it again changes nothing."""
        languages = parse_accept_language(request.headers.get("accept-language", ""))
        return await mine.claim(_me(request), data.id, data.token, languages)


def _me(request: Request[Any, Any, Any]) -> UUID:
    account_id = principal_of(request).account_id
    assert account_id is not None  # noqa: S101 - the guard saw to it
    return account_id

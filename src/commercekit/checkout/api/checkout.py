"""Ordering: from a cart, or everything in one call."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, post
from msgspec import Meta

from commercekit.checkout.api.carts import CartToken, MarketHeader, languages_of
from commercekit.checkout.models import MAX_LINES, Basis, CartLine, PlaceOrder, WantedLine
from commercekit.checkout.service import CheckoutService, Placed, basis_of
from commercekit.kernel import Address, Money, new_id
from commercekit.orders import OrderView, WebAddress, view_of
from commercekit.payments import Flow
from commercekit.platform.http import Answer, IdempotentRun, Input, idempotent

__all__ = ["StoreCheckout"]

_Email = Annotated[
    str, Meta(pattern=r"^[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+$(?!\n)", min_length=6, max_length=254)
]
_Code = Annotated[str, Meta(min_length=1, max_length=64)]
_Note = Annotated[str, Meta(max_length=1000)]


class CheckoutInput(Input):
    """What the shopper agrees to, for a cart that has an address and a way of shipping."""

    email: _Email
    expected_total: Money
    payment_method: _Code | None = None
    flow: Flow | None = None
    return_url: WebAddress | None = None
    note: _Note = ""


class OneCallInput(Input):
    """A whole order at once, without a cart."""

    lines: Annotated[list[WantedLine], Meta(min_length=1, max_length=MAX_LINES)]
    address: Address
    email: _Email
    shipping: _Code | None = None
    payment_method: _Code | None = None
    expected_total: Money | None = None
    coupons: Annotated[list[_Code], Meta(max_length=10)] = []
    flow: Flow | None = None
    return_url: WebAddress | None = None
    note: _Note = ""


class StoreCheckout(Controller):
    """Both ways need an ``Idempotency-Key``: a repeated call finds the order it placed."""

    path = "/store"
    tags = ["Checkout"]

    @post(
        "/carts/{cart_id:uuid}/checkout",
        operation_id="CheckoutCart",
        summary="Order what is in the cart",
    )
    async def from_cart(
        self,
        request: Request[Any, Any, Any],
        cart_id: UUID,
        data: CheckoutInput,
        checkout: CheckoutService,
        token: CartToken,
    ) -> Response[OrderView]:
        cart = await checkout.carts.get(cart_id, token)
        languages = languages_of(request)
        wish = PlaceOrder(
            basis=basis_of(cart, languages),
            email=data.email,
            payment_method=data.payment_method,
            expected_total=data.expected_total,
            flow=data.flow,
            return_url=data.return_url,
            note=data.note,
            locale=languages[0] if languages else cart.locale,
            customer_ip=_ip(request),
            cart_id=cart.id,
            cart_version=cart.version,
        )
        return await _place(request, checkout, wish)

    @post("/checkout", operation_id="Checkout", summary="Order in one call")
    async def one_call(
        self,
        request: Request[Any, Any, Any],
        data: OneCallInput,
        checkout: CheckoutService,
        market: MarketHeader,
    ) -> Response[OrderView]:
        languages = languages_of(request)
        chosen = (
            await checkout.markets.by_code(market) if market else await checkout.markets.default()
        )
        wish = PlaceOrder(
            basis=Basis(
                market=chosen.code,
                languages=languages or (chosen.languages[0],),
                lines=_summed(data.lines),
                address=data.address,
                shipping=data.shipping,
                coupons=tuple(dict.fromkeys(data.coupons)),
            ),
            email=data.email,
            payment_method=data.payment_method,
            expected_total=data.expected_total,
            flow=data.flow,
            return_url=data.return_url,
            note=data.note,
            locale=languages[0] if languages else chosen.languages[0],
            customer_ip=_ip(request),
        )
        return await _place(request, checkout, wish)


async def _place(
    request: Request[Any, Any, Any], checkout: CheckoutService, wish: PlaceOrder
) -> Response[OrderView]:
    async def work(run: IdempotentRun) -> Answer:
        placed: Placed = await checkout.placing.place(run.id, wish, again=run.attempt > 1)
        view = await view_of(
            checkout.orders,
            placed.order,
            token=checkout.orders.token_of(placed.order.id),
            started=placed.payment,
            just_placed=run.attempt == 1,
        )
        location = {"Location": f"/store/orders/{placed.order.number}"}
        return Answer(201, view, location)

    return await idempotent(request, scope="checkout", work=work)


def _summed(lines: list[WantedLine]) -> tuple[CartLine, ...]:
    """One line for each SKU, in the order first named."""
    wanted: dict[str, int] = {}
    for line in lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    return tuple(CartLine(new_id(), sku, quantity) for sku, quantity in wanted.items())


def _ip(request: Request[Any, Any, Any]) -> str | None:
    return request.client.host if request.client else None

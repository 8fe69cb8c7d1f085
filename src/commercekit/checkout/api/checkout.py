"""Ordering: from a cart, or everything in one call."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, post
from msgspec import Meta

from commercekit.checkout.api.carts import CartToken, MarketHeader, languages_of
from commercekit.checkout.models import MAX_LINES, Basis, CartLine, PlaceOrder, WantedLine
from commercekit.checkout.service import AnswerPlaced, CheckoutService, Placed, basis_of
from commercekit.kernel import Address, Money, new_id
from commercekit.orders import DraftedOrder, OrderView, PayerRef, WebAddress, placed_view, view_of
from commercekit.payments import Flow, Payment
from commercekit.platform.extensions import GivenValues, Values, Writer
from commercekit.platform.http import (
    Answer,
    Asked,
    Claim,
    IdempotentRun,
    Input,
    LaneRequest,
    claim_of,
    to_the_end,
)
from commercekit.platform.security import public, whoever

__all__ = [
    "CHECKOUT",
    "CheckoutInput",
    "OneCallInput",
    "StoreCheckout",
    "order_cart",
    "order_in_one_call",
    "resumer_of",
]

CHECKOUT = "checkout"
"""The scope of the keys under which orders are placed."""

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
    payer_ref: PayerRef | None = None
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
    payer_ref: PayerRef | None = None
    return_url: WebAddress | None = None
    note: _Note = ""
    extensions: GivenValues | None = None
    """Fields that plugins add to carts."""


class StoreCheckout(Controller):
    """Both ways need an ``Idempotency-Key``: a repeated call finds the order it placed.

    Whoever is logged in has ordered it, whatever e-mail address it names.
    """

    path = "/store"
    tags = ["Checkout"]
    opt = public("everybody may buy; a cart is its token's holder's")

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
        return (await order_cart(request, cart_id, data, checkout, token)).to_response()

    @post("/checkout", operation_id="Checkout", summary="Order in one call")
    async def one_call(
        self,
        request: Request[Any, Any, Any],
        data: OneCallInput,
        checkout: CheckoutService,
        market: MarketHeader,
    ) -> Response[OrderView]:
        return (await order_in_one_call(request, data, checkout, market)).to_response()


async def order_cart(
    request: Asked,
    cart_id: UUID,
    data: CheckoutInput,
    checkout: CheckoutService,
    token: str | None,
) -> Answer:
    """Order what is in a cart, however the request came in.

    A guest's cart is ordered for the account that is logged in, at the prices that the cart showed.
    """
    cart = await checkout.carts.get(cart_id, token)
    languages = languages_of(request)
    extensions = _extensions(checkout, cart.extensions)
    # The key is the cart's: a retry finds its order although the session has ended by then.
    claim = await claim_of(request, CHECKOUT)
    wish = PlaceOrder(
        basis=basis_of(cart, languages),
        email=data.email,
        customer_id=cart.owner_id or await _customer(request),
        payment_method=data.payment_method,
        expected_total=data.expected_total,
        flow=data.flow,
        payer_ref=data.payer_ref,
        return_url=data.return_url,
        note=data.note,
        locale=languages[0] if languages else cart.locale,
        customer_ip=_ip(request),
        cart_id=cart.id,
        cart_version=cart.version,
        extensions=extensions,
    )
    return await _place(claim, checkout, wish)


async def order_in_one_call(
    request: Asked, data: OneCallInput, checkout: CheckoutService, market: str | None
) -> Answer:
    """Order without a cart, however the request came in; an account pays what its segments pay."""
    languages = languages_of(request)
    customer = await _customer(request)
    chosen = await checkout.markets.for_shopper(market)
    wish = PlaceOrder(
        basis=Basis(
            market=chosen.code,
            languages=languages or (chosen.languages[0],),
            lines=_summed(data.lines),
            address=data.address,
            shipping=data.shipping,
            coupons=tuple(dict.fromkeys(data.coupons)),
            owner_id=customer,
        ),
        email=data.email,
        customer_id=customer,
        payment_method=data.payment_method,
        expected_total=data.expected_total,
        flow=data.flow,
        payer_ref=data.payer_ref,
        return_url=data.return_url,
        note=data.note,
        locale=languages[0] if languages else chosen.languages[0],
        customer_ip=_ip(request),
        extensions=_extensions(checkout, None, data.extensions),
    )
    return await _place(await claim_of(request, CHECKOUT), checkout, wish)


async def _customer(request: Asked) -> UUID | None:
    """The account that is logged in; what comes by a lane brings no cookies."""
    return None if isinstance(request, LaneRequest) else (await whoever(request)).account_id


def _extensions(
    checkout: CheckoutService, kept: Values | None, given: GivenValues | None = None
) -> Values:
    """What the order takes over; nothing to do where no plugin adds fields to carts."""
    fields = checkout.carts.fields
    if not fields and not given:
        return {}
    return fields.complete(fields.merged(kept or {}, given or {}, Writer.STORE))


async def _place(claim: Claim, checkout: CheckoutService, wish: PlaceOrder) -> Answer:
    return await to_the_end(checkout.placing.once(claim, wish, _answers_of(checkout)))


def _answers_of(checkout: CheckoutService) -> AnswerPlaced:
    """How an order that was just placed is shown; also to whoever finishes it after a crash."""
    orders = checkout.orders

    def fresh(draft: DraftedOrder, payment: Payment | None) -> Answer:
        token = orders.token_of(draft.new.id)
        view = placed_view(
            draft, payment, token=token, languages=(draft.new.locale,), orders=orders
        )
        return _created(draft.new.number, view)

    async def found(placed: Placed) -> Answer:
        view = await view_of(
            orders, placed.order, token=orders.token_of(placed.order.id), started=placed.payment
        )
        return _created(placed.order.number, view)

    return AnswerPlaced(fresh, found)


def resumer_of(checkout: CheckoutService) -> Callable[[IdempotentRun], Awaitable[Answer | None]]:
    """How the sweep over abandoned keys finishes a checkout that died."""
    found = _answers_of(checkout).found

    async def resume(run: IdempotentRun) -> Answer | None:
        return await checkout.placing.resume(run, found)

    return resume


def _created(number: str, view: OrderView) -> Answer:
    return Answer(201, msgspec.json.encode(view), {"Location": f"/store/orders/{number}"})


def _summed(lines: list[WantedLine]) -> tuple[CartLine, ...]:
    """One line for each SKU, in the order first named."""
    wanted: dict[str, int] = {}
    for line in lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    return tuple(CartLine(new_id(), sku, quantity) for sku, quantity in wanted.items())


def _ip(request: Asked) -> str | None:
    return request.client.host if request.client else None

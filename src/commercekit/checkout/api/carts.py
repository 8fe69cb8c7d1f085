"""``/store/carts``: put together, price, explain."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, get, patch, post, put
from litestar.params import HeaderParameter
from msgspec import Meta

from commercekit.checkout.api.views import (
    CartView,
    ExplanationView,
    PaymentMethodView,
    ShippingOptionView,
    cart_view,
)
from commercekit.checkout.models import Quantity, WantedLine
from commercekit.checkout.service import CheckoutService
from commercekit.kernel import Address, parse_accept_language, pick
from commercekit.platform.extensions import GivenValues
from commercekit.platform.http import Asked, Input
from commercekit.platform.security import public

__all__ = ["CartToken", "MarketHeader", "StoreCarts", "languages_of"]

CartToken = Annotated[
    str | None,
    HeaderParameter(
        name="X-Cart-Token", max_length=100, description="The token told with the cart"
    ),
]
MarketHeader = Annotated[
    str | None,
    HeaderParameter(
        name="X-Market", max_length=64, description="A market's code; the default without"
    ),
]


class NewCartInput(Input):
    """A cart starts empty."""


class QuantityInput(Input):
    """The new quantity; to remove a line, delete it."""

    quantity: Quantity


class ShippingInput(Input):
    """The code of a shipping option."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]


class CouponsInput(Input):
    """The whole list of codes; case matters."""

    codes: Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=10)]


class CartExtensionsInput(Input):
    """By plugin, then by field."""

    extensions: GivenValues


class StoreCarts(Controller):
    """Everything but making one needs the cart's token."""

    path = "/store/carts"
    tags = ["Carts"]
    opt = public("whoever holds the cart's token")

    @post("/", operation_id="CreateCart", summary="A new, empty cart")
    async def create(
        self,
        request: Request[Any, Any, Any],
        checkout: CheckoutService,
        market: MarketHeader,
        data: NewCartInput | None = None,
    ) -> CartView:
        languages = languages_of(request)
        cart = await checkout.carts.create(
            market=market, locale=languages[0] if languages else None
        )
        priced = await checkout.carts.price(cart, languages)
        return cart_view(
            priced, fields=checkout.carts.fields, token=checkout.carts.token_of(cart.id)
        )

    @get("/{cart_id:uuid}", operation_id="GetCart", summary="The cart, priced now")
    async def read(
        self,
        request: Request[Any, Any, Any],
        cart_id: UUID,
        checkout: CheckoutService,
        token: CartToken,
    ) -> CartView:
        cart = await checkout.carts.get(cart_id, token)
        priced = await checkout.carts.price(cart, languages_of(request))
        return cart_view(priced, fields=checkout.carts.fields)

    @delete("/{cart_id:uuid}", operation_id="DeleteCart", summary="Forget the cart")
    async def forget(self, cart_id: UUID, checkout: CheckoutService, token: CartToken) -> None:
        await checkout.carts.delete(cart_id, token)

    @post(
        "/{cart_id:uuid}/lines",
        operation_id="AddCartLine",
        summary="Put something in",
        status_code=200,
    )
    async def add_line(
        self,
        request: Request[Any, Any, Any],
        cart_id: UUID,
        data: WantedLine,
        checkout: CheckoutService,
        token: CartToken,
    ) -> CartView:
        priced = await checkout.carts.add_line(
            cart_id, token, data.sku, data.quantity, languages_of(request)
        )
        return cart_view(priced, fields=checkout.carts.fields)

    @patch(
        "/{cart_id:uuid}/lines/{line_id:uuid}",
        operation_id="ChangeCartLine",
        summary="Set a quantity",
    )
    async def change_line(
        self,
        request: Request[Any, Any, Any],
        cart_id: UUID,
        line_id: UUID,
        data: QuantityInput,
        checkout: CheckoutService,
        token: CartToken,
    ) -> CartView:
        priced = await checkout.carts.set_line(
            cart_id, token, line_id, data.quantity, languages_of(request)
        )
        return cart_view(priced, fields=checkout.carts.fields)

    @delete(
        "/{cart_id:uuid}/lines/{line_id:uuid}",
        operation_id="RemoveCartLine",
        summary="Take something out",
        status_code=200,
    )
    async def remove_line(
        self,
        request: Request[Any, Any, Any],
        cart_id: UUID,
        line_id: UUID,
        checkout: CheckoutService,
        token: CartToken,
    ) -> CartView:
        priced = await checkout.carts.remove_line(cart_id, token, line_id, languages_of(request))
        return cart_view(priced, fields=checkout.carts.fields)

    @put("/{cart_id:uuid}/address", operation_id="SetCartAddress", summary="Say where it goes")
    async def set_address(
        self,
        request: Request[Any, Any, Any],
        cart_id: UUID,
        data: Address,
        checkout: CheckoutService,
        token: CartToken,
    ) -> CartView:
        priced = await checkout.carts.set_address(cart_id, token, data, languages_of(request))
        return cart_view(priced, fields=checkout.carts.fields)

    @put("/{cart_id:uuid}/shipping", operation_id="SetCartShipping", summary="Say how it travels")
    async def set_shipping(
        self,
        request: Request[Any, Any, Any],
        cart_id: UUID,
        data: ShippingInput,
        checkout: CheckoutService,
        token: CartToken,
    ) -> CartView:
        priced = await checkout.carts.set_shipping(cart_id, token, data.code, languages_of(request))
        return cart_view(priced, fields=checkout.carts.fields)

    @put("/{cart_id:uuid}/coupons", operation_id="SetCartCoupons", summary="Give coupon codes")
    async def set_coupons(
        self,
        request: Request[Any, Any, Any],
        cart_id: UUID,
        data: CouponsInput,
        checkout: CheckoutService,
        token: CartToken,
    ) -> CartView:
        priced = await checkout.carts.set_coupons(cart_id, token, data.codes, languages_of(request))
        return cart_view(priced, fields=checkout.carts.fields)

    @patch(
        "/{cart_id:uuid}/extensions",
        operation_id="ExtendCart",
        summary="Write fields that plugins add to carts",
    )
    async def extend(
        self,
        request: Request[Any, Any, Any],
        cart_id: UUID,
        data: CartExtensionsInput,
        checkout: CheckoutService,
        token: CartToken,
    ) -> CartView:
        """What is not named stays, ``null`` takes a value away; the order takes all over."""
        priced = await checkout.carts.extend(cart_id, token, data.extensions, languages_of(request))
        return cart_view(priced, fields=checkout.carts.fields)

    @get(
        "/{cart_id:uuid}/shipping-options",
        operation_id="ListCartShippingOptions",
        summary="The ways to have it sent",
    )
    async def shipping_options(
        self,
        request: Request[Any, Any, Any],
        cart_id: UUID,
        checkout: CheckoutService,
        token: CartToken,
    ) -> list[ShippingOptionView]:
        languages = languages_of(request)
        cart = await checkout.carts.get(cart_id, token)
        return [
            ShippingOptionView(
                code=option.code,
                label=pick(option.label, (*languages, cart.locale)),
                amount=option.amount,
                min_days=option.min_days,
                max_days=option.max_days,
            )
            for option in await checkout.carts.shipping_options(cart, languages)
        ]

    @get(
        "/{cart_id:uuid}/payment-methods",
        operation_id="ListCartPaymentMethods",
        summary="The ways to pay",
    )
    async def payment_methods(
        self,
        request: Request[Any, Any, Any],
        cart_id: UUID,
        checkout: CheckoutService,
        token: CartToken,
    ) -> list[PaymentMethodView]:
        languages = languages_of(request)
        cart = await checkout.carts.get(cart_id, token)
        return [
            PaymentMethodView(
                code=method.code,
                label=pick(method.label, (*languages, cart.locale)),
                collects_later=method.collects_later,
            )
            for method in await checkout.carts.payment_methods(cart, languages)
        ]

    @get(
        "/{cart_id:uuid}/explanation",
        operation_id="ExplainCart",
        summary="How the price came about",
    )
    async def explanation(
        self,
        request: Request[Any, Any, Any],
        cart_id: UUID,
        checkout: CheckoutService,
        token: CartToken,
    ) -> ExplanationView:
        cart = await checkout.carts.get(cart_id, token)
        quote, promotions = await checkout.carts.explain(cart, languages_of(request))
        return ExplanationView(steps=quote.steps, totals=quote.totals, promotions=promotions)


def languages_of(request: Asked) -> tuple[str, ...]:
    """What the reader prefers, best first; nothing when nothing is said."""
    return parse_accept_language(request.headers.get("accept-language"))

"""Carts: what the shopper puts together before ordering."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from commercekit.checkout.errors import (
    CartLineNotFound,
    CartOrdered,
    ShippingNotAvailable,
    TooManyLines,
    UnknownSku,
)
from commercekit.checkout.models import (
    MAX_LINES,
    MAX_QUANTITY,
    Basis,
    Cart,
    CartMessage,
    CheckoutSettings,
    Quote,
)
from commercekit.checkout.repository import Addition, CartRepository
from commercekit.checkout.rules import merge_line, message
from commercekit.checkout.service.cart_changes import CartChanges, Reconsider, found
from commercekit.checkout.service.shelf import is_scarce, scarce_beyond
from commercekit.inventory import SHOWN_CAP, OutOfStock, Shortfall
from commercekit.kernel import Address, Clock, new_id
from commercekit.platform.extensions import Writer
from commercekit.promotions import Explanation

if TYPE_CHECKING:
    from commercekit.checkout.service.limits import PurchaseLimits
    from commercekit.checkout.service.quoting import Quoter
    from commercekit.fulfilment import ShippingOption
    from commercekit.inventory import Availability
    from commercekit.markets import MarketService
    from commercekit.payments import PaymentMethod, PaymentService
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.extensions import Fields
    from commercekit.platform.security import Sealer

__all__ = ["Carts", "PricedCart"]


_TOKENS = 1_000
"""So many carts' tokens are remembered: deriving one costs more than all else that is checked."""


class PricedCart(Struct, frozen=True, kw_only=True):
    """A cart and what it would cost now."""

    cart: Cart
    quote: Quote


class _LookCloser(Reconsider):
    """So many are wanted in all that what is known of the stock is not exact enough."""

    def __init__(self, quantity: int) -> None:
        super().__init__(quantity)
        self.quantity = quantity


class Carts:
    """Use cases of carts. A cart holds no stock: what it shows is true when it is read."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sealer: Sealer,
        settings: CheckoutSettings,
        markets: MarketService,
        payments: PaymentService,
        quoter: Quoter,
        limits: PurchaseLimits,
        fields: Fields,
    ) -> None:
        self.fields = fields
        self._db = db
        self._clock = clock
        self._settings = settings
        self._markets = markets
        self._payments = payments
        self._quoter = quoter
        self._limits = limits
        self._carts = CartRepository(db, sealer)
        self._sealer = sealer
        self._tokens: dict[UUID, str] = {}
        self._changes = CartChanges(db, clock, settings, self._carts)

    def token_of(self, cart_id: UUID) -> str:
        """The shopper's key to one cart; derived, so nothing about it is stored."""
        token = self._tokens.get(cart_id)
        if token is None:
            digest = hmac.digest(self._sealer.derived_key("cart tokens"), cart_id.bytes, "sha256")
            token = base64.urlsafe_b64encode(digest[:24]).decode()
            if len(self._tokens) >= _TOKENS:  # whoever asks for many ids that are none empties it
                self._tokens.clear()
            self._tokens[cart_id] = token
        return token

    async def create(self, *, market: str | None, locale: str | None) -> Cart:
        """A new, empty cart; without a ``locale`` in the market's first language."""
        chosen = await self._markets.for_shopper(market)
        cart = Cart(
            id=new_id(),
            market=chosen.code,
            locale=locale or chosen.languages[0],
            expires_at=self._clock.now() + self._settings.cart_lifetime,
        )
        async with self._db.unit_of_work() as uow:
            await self._carts.insert(uow, cart)
        return cart

    async def get(self, cart_id: UUID, token: str | None) -> Cart:
        """The cart; raises :class:`~commercekit.checkout.errors.CartNotFound` without its token."""
        self._check(cart_id, token)
        return found(await self._carts.get(cart_id, self._clock.now()))

    async def find(self, cart_id: UUID, token: str | None) -> Cart | None:
        """The cart, or ``None`` when it is gone; a wrong token is refused as by :meth:`get`."""
        self._check(cart_id, token)
        return await self._carts.get(cart_id, self._clock.now())

    async def price(
        self,
        cart: Cart,
        languages: Sequence[str] = (),
        messages: Sequence[CartMessage] = (),
    ) -> PricedCart:
        """The cart with a fresh quote."""
        quote = await self._quoter.quote(basis_of(cart, languages))
        limited = await self._limits.messages(quote, (*languages, cart.locale))
        if messages or limited:
            quote = replace(quote, messages=[*messages, *quote.messages, *limited])
        return PricedCart(cart=cart, quote=quote)

    async def explain(
        self, cart: Cart, languages: Sequence[str]
    ) -> tuple[Quote, list[Explanation]]:
        """The quote, and why each promotion counts or does not."""
        quote = await self._quoter.quote(basis_of(cart, languages), explain=True)
        return quote, quote.promotions

    async def add_line(
        self, cart_id: UUID, token: str | None, sku: str, quantity: int, languages: Sequence[str]
    ) -> PricedCart:
        """Put more of ``sku`` in; beyond what is available the quantity is reduced and a message says so.

        Raises :class:`~commercekit.checkout.errors.UnknownSku` for what is not for sale,
        :class:`~commercekit.inventory.OutOfStock` when none is left.
        """
        self._check(cart_id, token)
        market = await self._changes.market_of(cart_id)
        stock = await self._on_offer(market, sku, quantity)
        most = _most_at_once(stock, quantity)
        if quantity <= most:
            addition = Addition(
                cart_id=cart_id, sku=sku, line_id=new_id(), quantity=quantity, most=most
            )
            cart = await self._changes.put(addition)
            if cart is not None:
                return await self.price(cart, languages)

        def more(present: int) -> int:
            return present + quantity

        return await self._put(cart_id, token, sku, languages, more, wanted=quantity)

    async def set_line(
        self,
        cart_id: UUID,
        token: str | None,
        line_id: UUID,
        quantity: int,
        languages: Sequence[str],
    ) -> PricedCart:
        """Set the quantity of one line.

        Raises :class:`~commercekit.checkout.errors.CartLineNotFound` for a line it does not have.
        """
        cart = await self.get(cart_id, token)
        line = next((line for line in cart.lines if line.id == line_id), None)
        if line is None:
            raise CartLineNotFound

        def exactly(present: int) -> int:
            if not present:  # taken out in the meantime
                raise CartLineNotFound
            return quantity

        return await self._put(cart_id, token, line.sku, languages, exactly, wanted=quantity)

    async def remove_line(
        self, cart_id: UUID, token: str | None, line_id: UUID, languages: Sequence[str]
    ) -> PricedCart:
        """Take one line out; one that is not there is no error."""

        def change(cart: Cart) -> Cart:
            return replace(cart, lines=tuple(line for line in cart.lines if line.id != line_id))

        return await self.price(await self._change(cart_id, token, change), languages)

    async def set_address(
        self, cart_id: UUID, token: str | None, address: Address, languages: Sequence[str]
    ) -> PricedCart:
        """Say where it goes; taxes and freight follow."""
        cart = await self._change(cart_id, token, lambda cart: replace(cart, address=address))
        return await self.price(cart, languages)

    async def set_shipping(
        self, cart_id: UUID, token: str | None, code: str, languages: Sequence[str]
    ) -> PricedCart:
        """Choose how it travels.

        Raises :class:`~commercekit.checkout.errors.ShippingNotAvailable` for what is not offered.
        """
        cart = await self.get(cart_id, token)
        offered = [option.code for option in await self.shipping_options(cart, languages)]
        if code not in offered:
            detail = f"{code!r} is not offered for what is in the cart and this address."
            raise ShippingNotAvailable(detail, offered=offered)
        cart = await self._change(cart_id, token, lambda cart: replace(cart, shipping=code))
        return await self.price(cart, languages)

    async def set_coupons(
        self, cart_id: UUID, token: str | None, codes: Sequence[str], languages: Sequence[str]
    ) -> PricedCart:
        """Replace the coupon codes; one that does not work gives a message, not an error."""
        unique = tuple(dict.fromkeys(codes))
        cart = await self._change(cart_id, token, lambda cart: replace(cart, coupons=unique))
        return await self.price(cart, languages)

    async def extend(
        self,
        cart_id: UUID,
        token: str | None,
        given: Mapping[str, Any],
        languages: Sequence[str],
    ) -> PricedCart:
        """Merge ``given`` into what plugins keep beside the cart, as shoppers may."""
        self._check(cart_id, token)

        async def work(uow: UnitOfWork) -> Cart:
            # Its version goes up, so that whoever remembers the cart without this looks again.
            cart = found((await self._carts.locked(uow, [cart_id], uow.clock.now())).get(cart_id))
            if cart.order_id is not None:
                raise CartOrdered
            values = self.fields.merged(cart.extensions or {}, given, Writer.STORE)
            extended = replace(cart, extensions=values, version=cart.version + 1)
            await self._carts.extend(uow, extended)
            return extended

        return await self.price(await self._db.run(work), languages)

    async def delete(self, cart_id: UUID, token: str | None) -> None:
        """Forget the cart."""
        await self.get(cart_id, token)
        async with self._db.unit_of_work() as uow:
            await self._carts.delete(uow, cart_id)

    async def shipping_options(self, cart: Cart, languages: Sequence[str]) -> list[ShippingOption]:
        """The ways to have it sent; none before there is an address."""
        return await self._quoter.shipping_options(basis_of(cart, languages))

    async def payment_methods(self, cart: Cart, languages: Sequence[str]) -> list[PaymentMethod]:
        """The ways to pay what it costs now."""
        quote = await self._quoter.quote(basis_of(cart, languages))
        return self._payments.methods(quote.currency, quote.totals.total.amount)

    async def drained(self) -> None:
        """Return once no change is under way; before the database is closed."""
        await self._changes.drained()

    async def forget_expired(self, limit: int = 1000) -> int:
        """Delete carts whose time is over; gives how many."""
        return await self._carts.delete_expired(self._clock.now(), limit)

    async def _put(
        self,
        cart_id: UUID,
        token: str | None,
        sku: str,
        languages: Sequence[str],
        quantity_of: Callable[[int], int],
        *,
        wanted: int,
    ) -> PricedCart:
        """Set the quantity of ``sku``, from what the cart has now and what there is to sell."""
        self._check(cart_id, token)
        market = await self._changes.market_of(cart_id)
        asked = wanted
        stock = await self._on_offer(market, sku, asked)
        if stock.tracked and stock.available == 0:
            raise OutOfStock([Shortfall(sku, wanted, 0)])
        messages: list[CartMessage] = []

        def change(cart: Cart) -> Cart:
            there = next((line for line in cart.lines if line.sku == sku), None)
            quantity = quantity_of(there.quantity if there else 0)
            if quantity > max(asked, SHOWN_CAP) and is_scarce(stock, quantity):
                raise _LookCloser(quantity)
            messages.clear()
            if stock.tracked and quantity > stock.available:
                quantity = stock.available
                messages.append(message("quantity-reduced", languages, sku=sku, available=quantity))
            line_id = there.id if there else new_id()
            lines = merge_line(cart.lines, sku, quantity, line_id)
            if len(lines) > MAX_LINES or quantity > MAX_QUANTITY:
                detail = f"A cart holds {MAX_LINES} lines and {MAX_QUANTITY} pieces of one SKU."
                raise TooManyLines(detail)
            return replace(cart, lines=lines)

        while True:
            try:
                cart = await self._changes.apply(cart_id, change)
            except _LookCloser as closer:
                # Twice as far: while we look, others may put more into the same cart.
                asked = 2 * closer.quantity
                stock = await self._on_offer(market, sku, asked)
            else:
                return await self.price(cart, languages, messages)

    async def _on_offer(self, market: str, sku: str, quantity: int) -> Availability:
        there = await self._quoter.on_offer(market, sku, quantity)
        if there is None:
            detail = f"{sku!r} is not for sale."
            raise UnknownSku(detail, sku=sku)
        return there

    async def _change(
        self, cart_id: UUID, token: str | None, change: Callable[[Cart], Cart]
    ) -> Cart:
        self._check(cart_id, token)
        return await self._changes.apply(cart_id, change)

    def _check(self, cart_id: UUID, token: str | None) -> None:
        given = (token or "").encode()
        if not hmac.compare_digest(self.token_of(cart_id).encode(), given):
            found(None)


def _most_at_once(stock: Availability, asked: int) -> int:
    """How many pieces a cart may hold without a closer look at the stock, known as far as ``asked`` goes."""
    if not stock.tracked:
        return MAX_QUANTITY
    plenty = max(asked, SHOWN_CAP, scarce_beyond(stock))
    return min(MAX_QUANTITY, stock.available, plenty)


def basis_of(cart: Cart, languages: Sequence[str] = ()) -> Basis:
    """What the cart's quote depends on."""
    return Basis(
        market=cart.market,
        languages=(*languages, cart.locale),
        lines=cart.lines,
        address=cart.address,
        shipping=cart.shipping,
        coupons=cart.coupons,
        owner_id=cart.owner_id,
    )

"""Placing: one transaction that takes the stock, writes the order and the payment's intent."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from commercekit.checkout.errors import (
    CartChanged,
    CartEmpty,
    CartOrdered,
    CouponNotApplicable,
    PaymentMethodNeeded,
    PriceChanged,
    ShippingNotAvailable,
)
from commercekit.checkout.models import PlaceOrder, Quote
from commercekit.checkout.repository import CartRepository
from commercekit.inventory import AllocationPlan, Demand, Destination
from commercekit.kernel import Clock, new_id
from commercekit.orders import NewOrder, Order, OrdersSettings, new_number
from commercekit.platform.failpoints import failpoint
from commercekit.promotions import CouponStatus

if TYPE_CHECKING:
    from commercekit.checkout.service.quoting import Quoter
    from commercekit.inventory import InventoryService
    from commercekit.orders import OrderService
    from commercekit.payments import Payment, PaymentMethod, PaymentService
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["Placed", "Placing"]


class Placed(Struct, frozen=True, kw_only=True):
    """The order, and the payment that was started for it; none when nothing is to be paid."""

    order: Order
    payment: Payment | None


class Placing:
    """From an agreed price to a placed order with a payment under way."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sealer: Sealer,
        settings: OrdersSettings,
        inventory: InventoryService,
        payments: PaymentService,
        orders: OrderService,
        quoter: Quoter,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._inventory = inventory
        self._payments = payments
        self._orders = orders
        self._quoter = quoter
        self._carts = CartRepository(db, sealer)

    async def place(self, order_id: UUID, wish: PlaceOrder, *, again: bool = True) -> Placed:
        """Place ``wish`` as ``order_id`` and start its payment; repeating finds what was done.

        ``again`` says that an earlier try may have got somewhere; a first one need not look.

        The id is made before the work and kept with the idempotency key: after a crash the retry goes
        on where the first try stopped, whatever prices and stock have become. Raises
        :class:`~commercekit.checkout.errors.PriceChanged` when ``expected_total`` is another than the
        quote's, :class:`~commercekit.inventory.OutOfStock` naming every line that falls short, and the
        refusals of a strict quote; nothing is written then.
        """
        if not (again and await self._orders.exists(order_id)):
            quote = await self._quoter.quote(wish.basis, strict=True)
            _check(wish, quote)
            method = self._method(wish, quote)
            plan = await self._plan(wish, quote)
            await self._db.run(
                partial(
                    self._write, order_id=order_id, wish=wish, quote=quote, method=method, plan=plan
                )
            )
            failpoint("checkout.placed")
        reference = str(order_id)
        payments = await self._payments.payments_of(None, reference)
        payment = await self._payments.start(payments[0].id) if payments else None
        return Placed(order=await self._orders.get(order_id), payment=payment)

    def _method(self, wish: PlaceOrder, quote: Quote) -> PaymentMethod | None:
        if not quote.totals.total:
            return None
        if wish.payment_method is None:
            raise PaymentMethodNeeded
        return self._payments.method(wish.payment_method, quote.totals.total)

    async def _plan(self, wish: PlaceOrder, quote: Quote) -> AllocationPlan:
        """Who is asked for the goods first; a plugin may decide, so it is asked before the transaction."""
        address = wish.basis.address
        destination = None
        if address is not None:
            destination = Destination(address.country, address.region, address.postcode)
        return await self._inventory.plan(
            [Demand(line.sku, line.quantity) for line in quote.new_lines],
            market=wish.basis.market,
            destination=destination,
        )

    async def _write(
        self,
        uow: UnitOfWork,
        *,
        order_id: UUID,
        wish: PlaceOrder,
        quote: Quote,
        method: PaymentMethod | None,
        plan: AllocationPlan,
    ) -> None:
        """Lock order: cart, stock items by id, then the rows that nobody else can want yet."""
        await self._take_cart(uow, wish, order_id)
        now = self._clock.now()
        collects_later = method is not None and method.collects_later
        expires_at = None if method is None or collects_later else now + self._settings.pay_within
        reference = str(order_id)
        demands = [Demand(line.sku, line.quantity) for line in quote.new_lines]
        await self._inventory.allocate(
            uow, reference, demands, expires_at, market=wish.basis.market, plan=plan
        )
        if wish.basis.address is None:
            raise ShippingNotAvailable
        new = NewOrder(
            id=order_id,
            number=new_number(now),
            market=wish.basis.market,
            currency=quote.currency,
            prices_include_tax=quote.prices_include_tax,
            locale=wish.locale,
            email=wish.email,
            address=wish.basis.address,
            lines=quote.new_lines,
            adjustments=quote.new_adjustments,
            shipping=quote.new_shipping,
            totals=quote.totals,
            payment_method=method.code if method else "",
            collects_later=collects_later,
            placed_at=now,
            expires_at=expires_at,
            note=wish.note,
        )
        await self._orders.create(uow, new)
        if method is not None:
            await self._payments.create_intent(
                uow,
                payment_id=new_id(),
                reference=reference,
                amount=quote.totals.total,
                method=method.code,
                flow=wish.flow,
                subject=new.number,
                return_url=wish.return_url,
                expires_at=expires_at,
                customer_ip=wish.customer_ip,
                locale=wish.locale,
            )

    async def _take_cart(self, uow: UnitOfWork, wish: PlaceOrder, order_id: UUID) -> None:
        if wish.cart_id is None:
            return
        cart = await self._carts.locked(uow, wish.cart_id, self._clock.now())
        if cart is not None and cart.order_id is not None:
            raise CartOrdered
        if cart is None or cart.version != wish.cart_version:
            raise CartChanged
        await self._carts.write(uow, replace(cart, order_id=order_id))


def _check(wish: PlaceOrder, quote: Quote) -> None:
    if not quote.lines:
        raise CartEmpty
    if wish.basis.address is None:
        detail = "Say where it goes before ordering."
        raise ShippingNotAvailable(detail)
    if quote.requires_shipping and quote.shipping is None:
        detail = "Choose how it is shipped before ordering."
        raise ShippingNotAvailable(detail)
    expected = wish.expected_total
    refused = [
        message
        for message in quote.messages
        if message.coupon is not None and message.code != CouponStatus.APPLIED
    ]
    if expected is None and refused:
        # With an expected total the shopper has agreed to the price as it is without the coupon.
        raise CouponNotApplicable(refused[0].text, coupon=refused[0].coupon, code=refused[0].code)
    if expected is not None and expected != quote.totals.total:
        detail = f"The total is {quote.totals.total}, not {expected}."
        raise PriceChanged(
            detail,
            expected_total=expected,
            quote={
                "lines": quote.lines,
                "adjustments": quote.adjustments,
                "shipping": quote.shipping,
                "totals": quote.totals,
            },
        )

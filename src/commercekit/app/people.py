"""What orders and carts keep about a person, for the person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct

from commercekit.errors import Forbidden, NotFound
from commercekit.identity import ClaimedCart, PersonalRecords, Realm
from commercekit.kernel import Money
from commercekit.orders import OrderSummary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.app.shop import Shop
    from commercekit.identity import Account
    from commercekit.platform.db import UnitOfWork

__all__ = ["CartsOfPerson", "EmailUnproven", "MyOrder", "OrdersOfPerson", "Purchases"]

_AT_ONCE = 100


class EmailUnproven(Forbidden):
    """What belongs to an e-mail address is shown to whoever has proven that it is theirs."""

    slug = "email-unproven"
    title = "Prove your e-mail address first"
    title_zh = "请先验证邮箱"


class NoCart(NotFound):
    """The customer has nothing in a cart here."""


class MyOrder(Struct, frozen=True, kw_only=True):
    """An order in its owner's list; the token opens everything else about it."""

    number: str
    token: str
    """For ``X-Order-Token`` at ``/store/orders/{number}``."""
    status: str
    payment_status: str
    fulfilment_status: str
    placed_at: Any
    total: Money


class OrdersOfPerson(PersonalRecords):
    """Orders placed with the account, and with its address once that is proven to be theirs."""

    name = "orders"

    def __init__(self, shop: Shop) -> None:
        self._orders = shop.orders

    async def export(self, account: Account) -> Any:
        """All of them with what they were sent to."""
        found: list[OrderSummary] = []
        before: UUID | None = None
        while True:
            page = await self._orders.of_customer(
                account.id, email=_proven(account), before=before, limit=_AT_ONCE
            )
            found += page
            if len(page) < _AT_ONCE:
                return [await self._told(each) for each in found]
            before = page[-1].id

    async def erase(self, uow: UnitOfWork, account: Account) -> None:
        """Orders stay in the books; nothing in them names the account from then on."""
        await self._orders.forget_customer(uow, account.id)

    async def _told(self, summary: OrderSummary) -> dict[str, Any]:
        order = await self._orders.get(summary.id)
        return {
            "number": order.number,
            "placed_at": summary.placed_at,
            "email": order.email,
            "address": order.address,
            "lines": [{"sku": line.sku, "quantity": line.quantity} for line in order.lines],
            "total": summary.total,
        }


class CartsOfPerson(PersonalRecords):
    """Carts that belong to the account, and what it has had of limits per customer."""

    name = "carts"

    def __init__(self, shop: Shop) -> None:
        self._merging = shop.checkout.merging
        self._limits = shop.checkout.limits

    async def export(self, account: Account) -> Any:
        """What is in them, and where it would go."""
        return [
            {
                "market": cart.market,
                "lines": [{"sku": line.sku, "quantity": line.quantity} for line in cart.lines],
                "address": cart.address,
            }
            for cart in await self._merging.carts_of(account.id)
        ]

    async def erase(self, uow: UnitOfWork, account: Account) -> None:
        """Forget them all."""
        await self._merging.forget_all(uow, account.id)
        await self._limits.forget_account(uow, account.id)


class Purchases:
    """What a customer bought, and is about to buy."""

    def __init__(self, shop: Shop) -> None:
        self._identity = shop.identity
        self._orders = shop.orders
        self._checkout = shop.checkout

    async def orders(
        self, account_id: UUID, *, before: UUID | None, limit: int
    ) -> tuple[list[MyOrder], tuple[str, ...] | None]:
        """Orders of the customer, newest first, and the place to go on from.

        Those placed with the account, and those with its address once it is proven: anybody can register
        with anybody's. Raises :class:`EmailUnproven` where there is none of the first kind to show yet.
        """
        account = await self._identity.accounts.get(account_id, Realm.CUSTOMER)
        found = await self._orders.of_customer(
            account_id, email=_proven(account), before=before, limit=limit + 1
        )
        if not found and before is None and account.email_proven_at is None:
            message = "Open the link we sent you, or have it sent again at /store/me/proofs."
            raise EmailUnproven(message)
        after = (str(found[limit - 1].id),) if len(found) > limit else None
        return [self._mine(each) for each in found[:limit]], after

    async def cart(self, account_id: UUID, market: str | None) -> ClaimedCart:
        """The cart the customer is filling; raises :class:`NoCart` where there is none."""
        cart = await self._checkout.merging.cart_of(account_id, market)
        if cart is None:
            message = "Nothing is in your cart here."
            raise NoCart(message)
        return ClaimedCart(id=cart.id, token=self._checkout.carts.token_of(cart.id))

    async def claim(
        self, account_id: UUID, cart_id: UUID, token: str | None, languages: Sequence[str]
    ) -> ClaimedCart | None:
        """Put a guest's cart into the customer's, which has a token of its own."""
        merged = await self._checkout.merging.merge(account_id, cart_id, token, languages)
        if merged is None:
            return None
        cart = merged.cart
        return ClaimedCart(id=cart.id, token=self._checkout.carts.token_of(cart.id))

    def _mine(self, summary: OrderSummary) -> MyOrder:
        return MyOrder(
            number=summary.number,
            token=self._orders.token_of(summary.id),
            status=summary.status,
            payment_status=summary.payment_status,
            fulfilment_status=summary.fulfilment_status,
            placed_at=summary.placed_at,
            total=summary.total,
        )


def _proven(account: Account) -> str | None:
    return account.email if account.email_proven_at else None

"""What shoppers do: fill carts, order, pay or not, change their minds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from commercekit.cli.simulation.world import GOODS

if TYPE_CHECKING:
    from commercekit.cli.simulation.world import Answer, World

__all__ = ["Cart", "Order", "Shoppers"]

_ADDRESS: Final = {
    "name": "Li Lei",
    "phone": "+8613800138000",
    "country": "CN",
    "region": "Shanghai",
    "city": "Shanghai",
    "line1": "88 Century Avenue",
}
_METHODS: Final = ("sandbox", "sandbox", "sandbox", "sandbox-hold", "cod")
_SHIPPING: Final = ("table-rate-standard", "table-rate-standard", "table-rate-pickup")
_MOST_CARTS: Final = 8
_YOUNG: Final = 12
_LOOKED_AT: Final = 5


@dataclass
class Cart:
    """A cart somebody fills."""

    name: str
    id: str
    token: str
    total: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


@dataclass
class Order:
    """An order somebody knows of."""

    name: str
    number: str
    token: str
    pages: list[str] = field(default_factory=list)
    """Addresses where it can be paid, as far as the shopper was told."""


class Shoppers:
    """Everybody who buys. Each knows the orders whose answers reached them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._dice = world.dice
        self._carts: list[Cart] = []
        self._count = 0
        self.orders: list[Order] = []

    def _say(self, what: str) -> None:
        self._world.diary.say("shopper", what)

    def some_orders(self) -> list[Order]:
        """A few of the young ones, in any order."""
        young = self.orders[-_YOUNG:]
        return self._dice.sample(young, min(_LOOKED_AT, len(young)))

    def some_order(self) -> Order | None:
        """Rather a young one: old ones have little left to happen to them."""
        if not self.orders:
            return None
        return self._dice.choice(self.orders[-_YOUNG:])

    async def fill_cart(self) -> None:
        """Put something into a new cart, or into one there is."""
        dice = self._dice
        if self._carts and (dice.random() < 0.5 or len(self._carts) >= _MOST_CARTS):
            cart = dice.choice(self._carts)
        else:
            made = await self._world.ask("POST", "/store/carts", json={})
            self._count += 1
            cart = Cart(f"cart {self._count}", made.body["id"], made.body["token"])
            self._carts.append(cart)
        sku, _, _ = dice.choice(GOODS)
        quantity = dice.choice((1, 1, 1, 2, 3, 7))
        answer = await self._cart(cart, "POST", "/lines", {"sku": sku, "quantity": quantity})
        self._say(f"puts {quantity} {sku} into {cart.name}: {answer}")

    async def change_cart(self) -> None:
        """Take a line out, change its number, add a coupon."""
        if not self._carts:
            return
        dice = self._dice
        cart = dice.choice(self._carts)
        if cart.lines and dice.random() < 0.6:
            line = dice.choice(cart.lines)
            quantity = dice.choice((0, 1, 2, 4))
            if quantity:
                body = {"quantity": quantity}
                answer = await self._cart(cart, "PATCH", f"/lines/{line}", body)
            else:
                answer = await self._cart(cart, "DELETE", f"/lines/{line}", None)
            self._say(f"sets a line of {cart.name} to {quantity}: {answer}")
            return
        codes = dice.choice(([], ["SAVE"], ["NOPE"]))
        answer = await self._cart(cart, "PUT", "/coupons", {"codes": codes})
        self._say(f"has coupons {codes} on {cart.name}: {answer}")

    async def check_out(self) -> None:
        """Order what is in a cart; at a price that may be out of date."""
        filled = [cart for cart in self._carts if cart.lines]
        if not filled:
            return
        dice = self._dice
        cart = dice.choice(filled)
        await self._cart(cart, "PUT", "/address", _ADDRESS)
        await self._cart(cart, "PUT", "/shipping", {"code": dice.choice(_SHIPPING)})
        method = dice.choice(_METHODS)
        body = {
            "payment_method": method,
            "email": f"shopper{dice.randint(1, 5)}@example.com",
            "expected_total": cart.total,
        }
        headers = {"X-Cart-Token": cart.token}
        path = f"/store/carts/{cart.id}/checkout"
        answer = await self._world.post(path, body, headers=headers)
        if answer is None or answer.ok or str(answer).endswith("cart-ordered"):
            self._carts = [other for other in self._carts if other is not cart]
        self._placed(f"orders {cart.name} by {method}", answer)

    async def order_at_once(self) -> None:
        """Everything in one call."""
        dice = self._dice
        lines = [
            {"sku": dice.choice(GOODS)[0], "quantity": dice.choice((1, 1, 2, 3))}
            for _ in range(dice.randint(1, 3))
        ]
        body = {
            "lines": lines,
            "address": _ADDRESS,
            "email": f"shopper{dice.randint(1, 5)}@example.com",
            "shipping": dice.choice(_SHIPPING),
            "payment_method": dice.choice(_METHODS),
        }
        answer = await self._world.post("/store/checkout", body)
        wanted = ", ".join(f"{line['quantity']} {line['sku']}" for line in lines)
        self._placed(f"orders {wanted} at once by {body['payment_method']}", answer)

    def _placed(self, what: str, answer: Answer | None) -> None:
        if answer is None or not answer.ok:
            self._say(f"{what}: {answer}")
            return
        order = Order(f"order {len(self.orders) + 1}", answer.body["number"], answer.body["token"])
        self._told(order, answer)
        self.orders.append(order)
        total = answer.body["totals"]["total"]["amount"]
        self._say(f"{what}: {answer} {order.name} over {total}")

    @staticmethod
    def _told(order: Order, answer: Answer) -> None:
        """Remember where it can be paid; the shop tells this once."""
        payment = answer.body.get("payment") or {}
        action = payment.get("action") or {}
        if action.get("url"):
            order.pages.append(action["url"])

    async def pay(self) -> None:
        """Open a payment page and press one of its buttons."""
        order = self.some_order()
        if order is None or not order.pages:
            return
        button = self._dice.choice(("pay", "pay", "pay", "pay", "decline", "cancel"))
        page = self._dice.choice(order.pages)
        answer = await self._world.ask("POST", page, data={"action": button})
        self._say(f"presses {button} for {order.name}: {answer.status}")

    async def pay_again(self) -> None:
        """Pay anew, or another way."""
        order = self.some_order()
        if order is None:
            return
        body = {"payment_method": self._dice.choice(_METHODS)}
        answer = await self.about(order, "/payments", body)
        if answer is not None and answer.ok:
            self._told(order, answer)
        self._say(f"pays {order.name} anew by {body['payment_method']}: {answer}")

    async def cancel(self) -> None:
        """Change one's mind."""
        order = self.some_order()
        if order is not None:
            answer = await self.about(order, "/cancel", {})
            self._say(f"cancels {order.name}: {answer}")

    async def read(self, order: Order, below: str = "") -> Any:
        """The order, or what is ``below`` it, as its shopper sees it."""
        headers = {"X-Order-Token": order.token}
        path = f"/store/orders/{order.number}{below}"
        return (await self._world.ask("GET", path, headers=headers)).body

    async def about(self, order: Order, path: str, body: Any) -> Answer | None:
        """Ask for something to be done to the order; see :meth:`World.post`."""
        headers = {"X-Order-Token": order.token}
        return await self._world.post(f"/store/orders/{order.number}{path}", body, headers=headers)

    async def _cart(self, cart: Cart, method: str, path: str, body: Any) -> Answer:
        answer = await self._world.ask(
            method,
            f"/store/carts/{cart.id}{path}",
            headers={"X-Cart-Token": cart.token},
            **({} if body is None else {"json": body}),
        )
        if answer.ok and isinstance(answer.body, dict):
            cart.total = answer.body["totals"]["total"]
            cart.lines = [line["id"] for line in answer.body["lines"]]
        return answer

"""What staff do: ship, capture, collect, decide about refunds, count stock, change prices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from commercekit.cli.simulation.world import GOODS

if TYPE_CHECKING:
    from commercekit.cli.simulation.shoppers import Order, Shoppers
    from commercekit.cli.simulation.world import World

__all__ = ["Staff"]

_SHIPS: Final = ("authorised", "paid", "partially_refunded", "overpaid")


class Staff:
    """Everybody with a token. They work on what shoppers ordered, and look again each time."""

    def __init__(self, world: World, shoppers: Shoppers) -> None:
        self._world = world
        self._dice = world.dice
        self._shoppers = shoppers

    def _say(self, what: str) -> None:
        self._world.diary.say("staff", what)

    async def _order(
        self, fits: Callable[[Any], object] = lambda _: True
    ) -> tuple[Order, Any] | None:
        """An order that ``fits``, among a few that are looked at."""
        for order in self._shoppers.some_orders():
            seen = await self._world.admin("GET", f"/admin/orders/{order.number}")
            if fits(seen.body):
                return order, seen.body
        return None

    async def ship(self) -> None:
        """All that is left, or some of it; rather of an order that may ship."""
        careless = self._dice.random() < 0.4
        found = await self._order(lambda seen: careless or seen["payment_status"] in _SHIPS)
        if found is None:
            return
        order, seen = found
        body: dict[str, Any] = {"carrier": "sandbox", "service": "standard"}
        if self._dice.random() < 0.4:
            line = self._dice.choice(seen["lines"])
            body["lines"] = [{"line_id": line["id"], "quantity": 1}]
        answer = await self._world.post(f"/admin/orders/{order.number}/shipments", body, staff=True)
        some = "some" if "lines" in body else "all"
        self._say(f"ships {some} of {order.name}: {answer}")

    async def move_parcel(self) -> None:
        """The carrier does its next step, and tells."""
        found = await self._order(_parcels)
        if found is None:
            return
        order, seen = found
        path = f"/plugins/carrier-sandbox/parcels/{self._dice.choice(_parcels(seen))}/advance"
        steps = self._dice.randint(1, 4)
        answers = [await self._world.ask("POST", path) for _ in range(steps)]
        self._say(f"sees a parcel of {order.name} move {steps} steps: {answers[-1].status}")

    async def call_back_parcel(self) -> None:
        """Withdraw a shipment, if the carrier lets them."""
        found = await self._order(lambda seen: seen["shipments"])
        if found is None:
            return
        order, seen = found
        shipment = self._dice.choice(seen["shipments"])
        answer = await self._world.post(
            f"/admin/shipments/{shipment['id']}/cancel", {"reason": "Wrong box"}, staff=True
        )
        self._say(f"calls a parcel of {order.name} back: {answer}")

    async def treat_payment(self) -> None:
        """Capture or give up what is held, take cash, or ask the gateway."""
        found = await self._order(lambda seen: seen["payments"])
        if found is None:
            return
        order, seen = found
        payment = self._dice.choice(seen["payments"])
        if payment["method"] == "cod":
            verb, body = "record-collection", {"amount": payment["amount"]}
        elif payment["status"] == "authorised":
            verb = self._dice.choice(("capture", "capture", "void"))
            body = {}
            if verb == "capture" and self._dice.random() < 0.3:
                half = payment["amount"]["amount"] // 2
                body = {"amount": {**payment["amount"], "amount": half}}
        else:
            verb, body = "query", {}
        answer = await self._world.post(
            f"/admin/payments/{payment['id']}/{verb}",
            body,
            staff=True,
            # The gateway is asked each time, and may have something else to say.
            remembered=verb != "query",
        )
        self._say(f"{verb} a payment of {order.name}: {answer}")

    async def decide(self) -> None:
        """Agree to a refund request, to less of it, or not at all."""
        page = await self._world.admin("GET", "/admin/refund-requests?status=requested&limit=20")
        if not page.body["items"]:
            return
        request = self._dice.choice(page.body["items"])
        path = f"/admin/refund-requests/{request['id']}"
        amount = request["amount"]
        choice = self._dice.random()
        body: dict[str, Any]
        if choice < 0.2:
            verb, body = "reject", {"reason": "Worn"}
        elif choice < 0.4:
            verb, body = "approve", {"amount": {**amount, "amount": amount["amount"] // 2}}
        else:
            verb, body = "approve", {}
        answer = await self._world.post(f"{path}/{verb}", body, staff=True)
        self._say(f"{verb}s a request for {amount['amount']}: {answer}")

    async def cancel(self) -> None:
        """In the name of the shop."""
        found = await self._order()
        if found is None:
            return
        order, _ = found
        answer = await self._world.post(
            f"/admin/orders/{order.number}/cancel", {"reason": "Out of business"}, staff=True
        )
        self._say(f"cancels {order.name}: {answer}")

    async def mend_refunds(self) -> None:
        """Try again what failed, and say that what needed a person is done."""
        for state, verb in (("failed", "retry"), ("needs_attention", "confirm")):
            page = await self._world.admin("GET", f"/admin/refunds?status={state}&limit=100")
            for refund in reversed(page.body["items"]):
                answer = await self._world.post(
                    f"/admin/refunds/{refund['id']}/{verb}", {}, staff=True
                )
                amount = refund["amount"]["amount"]
                self._say(f"{verb} a refund of {amount}: {answer}")

    async def restock(self) -> None:
        """Goods come in, or are counted anew."""
        sku, _, _ = self._dice.choice(GOODS)
        quantity = self._dice.randint(1, 5)
        world = self._world
        if self._dice.random() < 0.7:
            answer = await world.post(
                f"/admin/stock/{sku}/receipts", {"quantity": quantity}, staff=True
            )
            self._say(f"receives {quantity} {sku}: {answer}")
        else:
            quantity = -quantity
            body = {"delta": quantity, "reason": "Broken"}
            answer = await world.post(f"/admin/stock/{sku}/adjustments", body, staff=True)
            self._say(f"adjusts {sku} by {quantity}: {answer}")

    async def reprice(self) -> None:
        """Another list price, while carts are full."""
        from commercekit.kernel import Money

        sku, price, _ = self._dice.choice(GOODS)
        changed = price + self._dice.randint(-100, 100)
        shop = self._world.shop
        market = await shop.markets.default()
        async with shop.db.unit_of_work() as uow:
            await shop.pricing.set_price(uow, market, sku, Money(changed, market.currency))
        self._say(f"sets the price of {sku} to {changed}")


def _parcels(seen: Any) -> list[str]:
    """The numbers under which the carrier knows an order's parcels."""
    return [each["tracking_number"] for each in seen["shipments"] if each["tracking_number"]]

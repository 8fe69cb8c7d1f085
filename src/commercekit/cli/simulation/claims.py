"""What shoppers want back: money, or money for goods they send; and what they let go of again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from commercekit.cli.simulation.failures import Broken

if TYPE_CHECKING:
    from commercekit.cli.simulation.shoppers import Order, Shoppers
    from commercekit.cli.simulation.world import World

__all__ = ["Claims"]

_KINDS: Final = ("refund-requests", "returns")
_REASONS: Final = ("other", "changed_mind", "damaged", "wrong_item")


class Claims:
    """Shoppers after the sale. Each claim is asked once, and may be taken back until it is decided."""

    def __init__(self, world: World, shoppers: Shoppers) -> None:
        self._world = world
        self._dice = world.dice
        self._shoppers = shoppers

    def _say(self, what: str) -> None:
        self._world.diary.say("shopper", what)

    async def ask_back(self) -> None:
        """Ask for money back, for some units and perhaps the freight."""
        order = self._shoppers.some_order()
        if order is None:
            return
        seen = await self._shoppers.read(order)
        dice = self._dice
        lines = [
            {"line_id": line["id"], "quantity": dice.randint(1, line["quantity"])}
            for line in seen["lines"]
            if dice.random() < 0.7
        ]
        body = {"lines": lines, "shipping": dice.random() < 0.3, "reason": "It does not fit"}
        answer = await self._shoppers.about(order, "/refund-requests", body)
        units = [line["quantity"] for line in lines]
        self._say(f"asks money back for {units} of {order.name}: {answer}")

    async def send_back(self) -> None:
        """Ask to send goods back, now and then more of them than came."""
        dice = self._dice
        for order in self._shoppers.some_orders():
            seen = await self._shoppers.read(order)
            lines = [
                {"line_id": line["id"], "quantity": dice.randint(1, line["shipped"])}
                for line in seen["lines"]
                if line["shipped"] and dice.random() < 0.8
            ]
            if lines:
                break
        else:
            return
        if dice.random() < 0.1:
            lines[0]["quantity"] += 1
        body = {
            "lines": lines,
            "shipping": dice.random() < 0.3,
            "reason": "It does not fit",
            "reason_code": dice.choice(_REASONS),
        }
        answer = await self._shoppers.about(order, "/returns", body)
        units = [line["quantity"] for line in lines]
        self._say(f"wants to send {units} of {order.name} back: {answer}")

    async def post_parcel(self) -> None:
        """Say that a parcel is on its way back; somebody has to have agreed to it."""
        found = await self._claim(("returns",), "approved")
        if found is None:
            return
        order, _, claim = found
        body = {"tracking_number": "BACK-1", "carrier": "Post"}
        answer = await self._shoppers.about(order, f"/returns/{claim['id']}/sent", body)
        self._say(f"sends a {claim['status']} return of {order.name}: {answer}")

    async def withdraw(self) -> None:
        """Take a claim back. Only what nobody has decided can be, whoever is asked at that moment."""
        found = await self._claim(_KINDS, "requested")
        if found is None:
            return
        order, kind, claim = found
        answer = await self._shoppers.about(order, f"/{kind}/{claim['id']}/withdraw", {})
        told = f"takes a {claim['status']} claim on {order.name} back"
        self._say(f"{told}, one of the {kind}: {answer}")
        if answer is None or not answer.ok:
            return
        if claim["status"] != "requested" or answer.body["status"] != "withdrawn":
            message = f"{told}, and now it is {answer.body['status']}"
            raise Broken(message)

    async def _claim(
        self, kinds: tuple[str, ...], wanted: str
    ) -> tuple[Order, str, dict[str, Any]] | None:
        """A claim on some order, rather one that is in the state that is ``wanted``."""
        made = [
            (order, kind, claim)
            for order in self._shoppers.some_orders()
            for kind in kinds
            for claim in await self._shoppers.read(order, f"/{kind}")
        ]
        ready = [each for each in made if each[2]["status"] == wanted]
        if ready and self._dice.random() < 0.9:
            made = ready
        return self._dice.choice(made) if made else None

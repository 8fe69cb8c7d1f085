"""What staff change on placed orders: lines, prices, the address, freight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from commercekit.cli.simulation.failures import Broken
from commercekit.cli.simulation.world import GOODS

if TYPE_CHECKING:
    from commercekit.cli.simulation.shoppers import Shoppers
    from commercekit.cli.simulation.world import Answer, World

__all__ = ["Edits"]

_FREIGHT: Final = ("table-rate-standard", "table-rate-pickup")
_PROMISED: Final = (
    "lines",
    "before",
    "after",
    "difference",
    "address_changed",
    "freight_changed",
)
"""What a preview promises. What goes back and is left to pay follows from money, which may yet come."""


_BY_MONEY: Final = ("payment-gateway-unavailable", "order-changed")
"""Why an edit may be refused that its preview allowed: a page over the old amount is still open."""


class Edits:
    """Whoever is on the telephone with a shopper: looks at what an edit would do, and does it."""

    def __init__(self, world: World, shoppers: Shoppers) -> None:
        self._world = world
        self._dice = world.dice
        self._shoppers = shoppers

    async def edit(self) -> None:
        """Preview and apply the same wish; both have to say the same, unless somebody came between."""
        order = self._shoppers.some_order()
        if order is None:
            return
        world = self._world
        path = f"/admin/orders/{order.number}"
        seen = (await world.admin("GET", path)).body
        wish, told = self._wish(seen)
        said = world.diary.lines
        preview = await world.admin("POST", f"{path}/edits/preview", json=wish)
        version = preview.headers.get("etag", "*") if self._dice.random() < 0.7 else "*"
        applied = await world.post(f"{path}/edits", wish, headers={"If-Match": version}, staff=True)
        alone = world.diary.lines == said
        world.diary.say("staff", f"edits {order.name}, {told}: {applied}")
        if alone and applied is not None:
            _check_promise(preview, applied)

    def _wish(self, seen: Any) -> tuple[dict[str, Any], str]:
        """What shall change, and how the diary calls it."""
        dice = self._dice
        currency = seen["currency"]
        wish: dict[str, Any] = {"reason": "As the shopper asked"}
        told: list[str] = []
        if dice.random() < 0.5:
            line = dice.choice(seen["lines"])
            quantity = dice.randint(0, line["quantity"] + 1)
            wish["lines"] = [{"line_id": line["id"], "quantity": quantity}]
            told.append(f"{quantity} of {line['quantity']} {line['sku']}")
            if dice.random() < 0.3:
                price = line["unit_price"]["amount"] + dice.randint(-500, 100)
                wish["lines"][0]["unit_price"] = _money(max(0, price), currency)
                told.append("at another price")
        if dice.random() < 0.35:
            sku, price, _ = dice.choice(GOODS)
            added: dict[str, Any] = {"sku": sku, "quantity": dice.choice((1, 1, 2))}
            if dice.random() < 0.3:
                added["unit_price"] = _money(price // 2, currency)
            wish["add"] = [added]
            told.append(f"{added['quantity']} more {sku}")
        if dice.random() < 0.15:
            line1 = f"{dice.randint(1, 3)} Other Road"
            wish["address"] = {**seen["address"], "line1": line1}
            told.append("another address")
        if not told or dice.random() < 0.4:
            wish["freight"], freight = self._freight(currency)
            told.append(freight)
        return wish, ", ".join(told)

    def _freight(self, currency: str) -> tuple[dict[str, Any], str]:
        """Asked of its carrier anew, sent another way, or named."""
        dice = self._dice
        choice = dice.random()
        if choice < 0.3:
            return {}, "freight anew"
        if choice < 0.6:
            code = dice.choice(_FREIGHT)
            return {"code": code}, f"by {code}"
        amount = dice.choice((0, 500, 1000, 2345))
        return {"amount": _money(amount, currency)}, f"freight of {amount}"


def _money(amount: int, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def _check_promise(preview: Answer, applied: Answer) -> None:
    """Raise unless the edit did what its preview had said."""
    if not applied.ok:
        held_up = preview.ok and str(applied).endswith(_BY_MONEY)
        if not held_up and str(applied) != str(preview):
            message = f"an edit was answered {applied}, its preview {preview}"
            raise Broken(message)
        return
    if not preview.ok:
        message = f"an edit was made, its preview was answered {preview}"
        raise Broken(message)
    for field in _PROMISED:
        if preview.body[field] != applied.body[field]:
            message = f"{field} of an edit is not what its preview said"
            raise Broken(message)

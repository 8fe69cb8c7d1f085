"""What staff do with goods that come back: agree or not, open the parcel, look, pay."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commercekit.cli.simulation.world import World

__all__ = ["Returns"]


class Returns:
    """Whoever sits at the returns desk takes any return there is one step further."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._dice = world.dice
        self._steps: dict[str, Callable[[Any], tuple[str, dict[str, Any]]]] = {
            "requested": self._decide,
            "approved": self._receive,
            "in_transit": self._receive,
            "received": self._inspect,
            "inspected": self._close,
        }

    async def handle(self) -> None:
        """The next step of one return."""
        page = await self._world.admin("GET", "/admin/returns?limit=30")
        waiting = [each for each in page.body["items"] if each["status"] in self._steps]
        if not waiting:
            return
        found = self._dice.choice(waiting)
        verb, body = self._steps[found["status"]](found)
        answer = await self._world.post(f"/admin/returns/{found['id']}/{verb}", body, staff=True)
        units = [line["quantity"] for line in found["lines"]]
        self._world.diary.say("staff", f"{verb}s a return of {units}: {answer}")

    def _decide(self, found: Any) -> tuple[str, dict[str, Any]]:
        dice = self._dice
        if dice.random() < 0.2:
            return "reject", {"reason": "Worn"}
        terms: dict[str, Any] = {}
        if dice.random() < 0.5:
            terms["fault"] = dice.choice(("shop", "customer"))
        if dice.random() < 0.4:
            terms["restocking_basis_points"] = dice.choice((0, 333, 1500, 10_000))
        if dice.random() < 0.4:
            terms["return_shipping"] = {**found["amount"], "amount": dice.choice((0, 799, 30_000))}
        if dice.random() < 0.4:
            terms["refund_shipping"] = dice.random() < 0.5
        return "approve", terms

    def _receive(self, found: Any) -> tuple[str, dict[str, Any]]:
        if self._dice.random() < 0.6:
            return "receive", {}
        lines = [
            {"line_id": line["line_id"], "quantity": self._dice.randint(0, line["quantity"])}
            for line in found["lines"]
        ]
        return "receive", {"lines": lines}

    def _inspect(self, found: Any) -> tuple[str, dict[str, Any]]:
        """Whoever looks closer may find more or fewer than whoever counted; seldom it does not add up."""
        dice = self._dice
        lines = []
        for line in found["lines"]:
            here = line["received"] if dice.random() < 0.7 else dice.randint(0, line["quantity"])
            damaged = dice.randint(0, here) if dice.random() < 0.4 else 0
            missing = line["quantity"] - here + (dice.random() < 0.05)
            lines.append(
                {
                    "line_id": line["line_id"],
                    "sellable": here - damaged,
                    "damaged": damaged,
                    "missing": missing,
                }
            )
        return "inspect", {"lines": lines}

    def _close(self, found: Any) -> tuple[str, dict[str, Any]]:
        if self._dice.random() < 0.8:
            return "close", {}
        amount = found["amount"]
        return "close", {"amount": {**amount, "amount": amount["amount"] // 2}}

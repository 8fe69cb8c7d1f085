"""Cash on delivery on its way from the courier to the shop: slips, wrong slips, and slips taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commercekit.cli.simulation.failures import Broken

if TYPE_CHECKING:
    from commercekit.cli.simulation.world import World

__all__ = ["Cash", "count_cash"]


class Cash:
    """The courier who hands in, and whoever books it. A slip is booked once, and no coin twice."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._dice = world.dice
        self._slips = 0

    async def hand_in(self) -> None:
        """Some of what was collected, perhaps only part of a payment, less what the courier keeps."""
        held = (await self._world.admin("GET", "/admin/payments/cash?limit=20")).body["items"]
        if not held:
            return
        dice = self._dice
        picked = dice.sample(held, dice.randint(1, min(3, len(held))))
        lines: list[dict[str, Any]] = []
        total = 0
        for each in picked:
            left = each["left"]["amount"]
            line: dict[str, Any] = {"payment_id": each["payment_id"]}
            if dice.random() < 0.3:
                left = dice.randint(1, left)
                line["amount"] = {**each["left"], "amount": left}
            lines.append(line)
            total += left
        fee = dice.choice((0, 0, 100, total))
        fee = min(fee, total)
        wrong = dice.random() < 0.15
        self._slips += 1
        # An old slip comes up again now and then.
        slip = self._slips if dice.random() < 0.85 else dice.randint(1, self._slips)
        currency = picked[0]["left"]["currency"]
        body = {
            "gateway": picked[0]["gateway"],
            "account": picked[0]["account"],
            "slip": f"SLIP-{slip}",
            "amount": {"amount": total - fee + wrong, "currency": currency},
            "fee": {"amount": fee, "currency": currency},
            "lines": lines,
        }
        answer = await self._world.post("/admin/payments/hand-ins", body, staff=True)
        self._world.diary.say("courier", f"hands in {total} by slip {slip}, keeps {fee}: {answer}")
        if wrong and answer is not None and answer.ok:
            message = f"a slip over {total} was booked as {total + 1}"
            raise Broken(message)

    async def take_back(self) -> None:
        """A slip was booked wrongly; one that was taken back before stays as it is."""
        made = [each async for each in self._world.pages("/admin/payments/hand-ins")]
        if not made:
            return
        slip = self._dice.choice(made)
        answer = await self._world.post(
            f"/admin/payments/hand-ins/{slip['id']}/cancel", {"reason": "Miscounted"}, staff=True
        )
        self._world.diary.say("staff", f"takes {slip['slip']} back: {answer}")


async def count_cash(world: World, orders: list[dict[str, Any]]) -> None:
    """What couriers collected is in the shop's hand, was kept by them, or is still with them."""
    collected = sum(
        payment["captured"]["amount"]
        for order in orders
        for payment in order["payments"]
        if payment["method"] == "cod"
    )
    slips = [each async for each in world.pages("/admin/payments/hand-ins")]
    standing = [each for each in slips if each["cancelled_at"] is None]
    handed_in = sum(each["amount"]["amount"] + each["fee"]["amount"] for each in standing)
    held = [each async for each in world.pages("/admin/payments/cash")]
    left = sum(each["left"]["amount"] for each in held)
    sums = (await world.admin("GET", "/admin/payments/cash/sums")).body
    if left != sum(each["left"]["amount"] for each in sums):
        message = f"payments say that couriers still have {left}, their sums say otherwise"
        raise Broken(message)
    if collected != handed_in + left:
        message = f"{collected} were collected, {handed_in} handed in, and {left} are on their way"
        raise Broken(message)

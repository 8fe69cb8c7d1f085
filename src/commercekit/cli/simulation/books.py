"""What must be true when the story is over: every cent and every piece is accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from commercekit.cli.simulation.cash import count_cash
from commercekit.cli.simulation.failures import Broken
from commercekit.cli.simulation.world import GOODS

if TYPE_CHECKING:
    from commercekit.cli.simulation.staff import Staff
    from commercekit.cli.simulation.world import World

__all__ = ["close_the_books", "problem_of"]

_ROUNDS = 16
_ROUND = timedelta(hours=2)
_OPEN = ("created", "pending")
_UNDER_WAY = ("pending", "needs_attention", "failed")
"""A refund that failed is money that still has to go back."""


async def close_the_books(world: World, staff: Staff) -> None:
    """Let enough time pass for everything to come to its end, then count.

    Staff try failed refunds again; nobody else does anything. Raises
    :class:`~commercekit.cli.simulation.failures.Broken` with the first thing that does not add up.
    """
    world.interruptions = world.crashes = world.losses = 0.0
    for _ in range(_ROUNDS):
        await world.pass_time(_ROUND)
        await staff.mend_refunds()
    await world.settle()
    await world.audit()
    orders = await _orders(world)
    for number, order in enumerate(orders, start=1):
        problem = problem_of(order)
        if problem:
            message = f"placed as number {number}: {problem}"
            raise Broken(message)
    await _count_goods(world, orders)
    await count_cash(world, orders)
    states = Counter(f"{order['status']}/{order['payment_status']}" for order in orders)
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    world.diary.say("books", f"{len(orders)} orders: {told or 'none'}")


async def _orders(world: World) -> list[dict[str, Any]]:
    """Every order there is, oldest first, known to anybody or not."""
    numbers = [item["number"] async for item in world.pages("/admin/orders")]
    return [(await world.admin("GET", f"/admin/orders/{n}")).body for n in reversed(numbers)]


def problem_of(order: dict[str, Any]) -> str:
    """What is wrong with an order, as the admin interface shows it, after everybody had time; or nothing."""
    total = order["current_totals"]["total"]["amount"]
    where = f"{order['status']}, {order['payment_status']}, total {total}"
    for problem in (*_about_money(order, total), *_about_units(order)):
        return f"{where}: {problem}"
    return ""


def _about_money(order: dict[str, Any], total: int) -> Iterator[str]:
    payments, refunds = order["payments"], order["refunds"]
    captured = sum(payment["captured"]["amount"] for payment in payments)
    gone = sum(refund["amount"]["amount"] for refund in refunds if refund["status"] == "succeeded")
    owed = sum(refund["amount"]["amount"] for refund in refunds if refund["status"] in _UNDER_WAY)
    kept = captured - gone - owed
    cancelled = order["status"] == "cancelled"
    if gone > captured:
        yield f"{gone} went back of {captured}"
    if kept > (0 if cancelled else total):
        yield f"the shop keeps {kept}"
    # What is to be collected has no deadline, and neither has another payment of that order.
    collects = any(payment["method"] == "cod" for payment in payments)
    for payment in payments:
        if payment["refunded"]["amount"] > payment["captured"]["amount"]:
            yield "a payment gave back more than it got"
        if payment["status"] in _OPEN and (cancelled or not collects):
            yield f"a payment by {payment['method']} is still {payment['status']}"
    unpaid = order["payment_status"] in {"unpaid", "pending"}
    # Staff may have made it dearer than what is held: it is theirs to take that, or to let it go.
    holds = any(payment["status"] == "authorised" for payment in payments)
    if order["status"] == "placed" and unpaid and not collects and not holds and total:
        yield "nobody paid, and it was never closed"


def _about_units(order: dict[str, Any]) -> Iterator[str]:
    for line in order["lines"]:
        if line["shipped"] + line["cancelled"] > line["quantity"]:
            yield f"{line['quantity']} were ordered, more were shipped and cancelled"
        if line["refunded"] > line["quantity"]:
            yield f"{line['quantity']} were ordered, {line['refunded']} were paid back"


async def _count_goods(world: World, orders: list[dict[str, Any]]) -> None:
    """What is on the shelf and what is promised, against what the orders say left and waits."""
    shipped: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    for order in orders:
        for line in order["lines"]:
            shipped[line["sku"]] += line["shipped"]
            if order["status"] == "placed":
                left = line["quantity"] - line["cancelled"] - line["shipped"]
                waiting[line["sku"]] += left
    # Units that came back and can be sold again are on the shelf, and stay shipped for their order.
    async for returned in world.pages("/admin/returns"):
        for line in returned["lines"]:
            shipped[line["sku"]] -= line["sellable"] or 0
    for sku, _, _ in GOODS:
        level = (await world.admin("GET", f"/admin/stock/{sku}")).body
        moved = await _moved(world, sku)
        left = -(moved["sale"] + moved["return"])
        if left != shipped[sku]:
            message = f"{left} {sku} are gone from the shelf, orders and returns say {shipped[sku]}"
            raise Broken(message)
        if level["on_hand"] != sum(moved.values()):
            message = f"{level['on_hand']} {sku} are on hand, movements say {sum(moved.values())}"
            raise Broken(message)
        if level["allocated"] != waiting[sku]:
            message = f"{level['allocated']} {sku} are promised, orders wait for {waiting[sku]}"
            raise Broken(message)


async def _moved(world: World, sku: str) -> Counter[str]:
    """Pieces moved of a SKU, by kind of movement."""
    moved: Counter[str] = Counter()
    async for movement in world.pages(f"/admin/stock/{sku}/movements"):
        moved[movement["kind"]] += movement["quantity"]
    return moved

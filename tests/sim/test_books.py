"""What the count at the end of a story finds wrong with an order, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from commercekit.cli.simulation.books import problem_of


def money(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "CNY"}


def an_order(*payments: tuple[str, str, int], status: str = "unpaid") -> dict[str, Any]:
    """Placed, over 25.72, of one line; of each payment its method, its status and what was captured."""
    return {
        "status": "placed",
        "payment_status": status,
        "current_totals": {"total": money(2572)},
        "refunds": [],
        "lines": [{"quantity": 1, "shipped": 0, "cancelled": 0, "refunded": 0}],
        "payments": [
            {"method": method, "status": stands, "captured": money(captured), "refunded": money(0)}
            for method, stands, captured in payments
        ],
    }


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        (an_order(("sandbox", "succeeded", 2572), status="paid"), ""),
        (an_order(("cod", "pending", 0)), ""),
        # Staff made it dearer than what is held for it: theirs to take that, or to let it go.
        (an_order(("sandbox-hold", "authorised", 0)), ""),
        (an_order(("sandbox-hold", "cancelled", 0)), "nobody paid, and it was never closed"),
        (an_order(), "nobody paid, and it was never closed"),
        (an_order(("sandbox", "pending", 0)), "a payment by sandbox is still pending"),
        (an_order(("sandbox", "succeeded", 2573), status="paid"), "the shop keeps 2573"),
    ],
)
def test_an_order_is_right_or_says_what_is_not(order: dict[str, Any], problem: str) -> None:
    said = problem_of(order)
    assert said.endswith(problem)
    assert bool(said) == bool(problem)

"""``provider_guard``: what asking a provider through the core's guard costs, in CPU, on one process.

Microseconds of CPU for a call, through the guard and directly, of a gateway that waits once as every real
one does. Latencies stand in the columns of the table; "ratio" is what may be spent over what is, so that
below 1 is too much.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import uvloop

from commercekit.kernel import Money
from commercekit.payments import PAYMENT_GATEWAYS, PaymentSnapshot, PaymentState
from commercekit.platform.providers import Policies, ProviderCaller

__all__ = ["ALLOWED", "NAME", "GuardCost", "guard_cost"]

NAME = "provider_guard"
ALLOWED = 15.0
"""Microseconds of CPU that a call through the guard may cost more than a direct one."""
_CALLS = 2_000


class GuardCost(NamedTuple):
    """Microseconds of CPU for a call."""

    direct: float
    guarded: float

    @property
    def more(self) -> float:
        """What the guard adds."""
        return self.guarded - self.direct


def guard_cost(rounds: int = 15) -> GuardCost:
    """The best of several rounds: neighbours on the processor only ever add to CPU time."""
    return uvloop.run(_measure(rounds))


async def _measure(rounds: int) -> GuardCost:
    caller = ProviderCaller(policies=Policies([PAYMENT_GATEWAYS]))
    query = next(verb for verb in PAYMENT_GATEWAYS.verbs if verb.name == "query")
    answer = PaymentSnapshot(payment_id="a" * 32, state=PaymentState.PAID, amount=Money(100, "CNY"))

    async def ask() -> PaymentSnapshot:
        await asyncio.sleep(0)
        return answer

    async def guarded() -> PaymentSnapshot:
        seen: PaymentSnapshot = await caller.call(query, "acme", ask)
        return seen

    seen: dict[str, list[float]] = {"direct": [], "guarded": []}
    for number in range(rounds):
        sides = [("direct", ask), ("guarded", guarded)]
        for name, work in sides if number % 2 else reversed(sides):
            seen[name].append(await _once(work))
    return GuardCost(min(seen["direct"]), min(seen["guarded"]))


async def _once(work: Callable[[], Awaitable[object]]) -> float:
    began = time.process_time()
    for _ in range(_CALLS):
        await work()
    return (time.process_time() - began) / _CALLS * 1e6


if __name__ == "__main__":
    cost = guard_cost()
    print(f"direct {cost.direct:.2f} µs, guarded {cost.guarded:.2f} µs: {cost.more:.2f} µs more")

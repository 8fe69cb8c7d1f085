"""An allocation strategy that keeps its contract, and one for every way to break it."""

from __future__ import annotations

import os
import random
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from commercekit.inventory import AllocationPlan, AllocationRequest, AllocationStrategy
from commercekit.kernel import new_id
from commercekit.testing.conformance import AllocationStrategyContract, stock_location

ELSEWHERE = stock_location("elsewhere").id


class GoodStrategy(AllocationStrategy):
    """The destination's country first."""

    code: ClassVar[str] = "good"

    def plan(self, request: AllocationRequest) -> Any:
        place = request.destination
        if place is None:
            return AllocationPlan()
        near = [each.id for each in request.locations if each.country == place.country]
        return AllocationPlan(locations=tuple(near))


class MostStock(AllocationStrategy):
    """As the core's own: it looks at no location."""

    code = "most-stock"
    needs_locations = False

    def plan(self, request: AllocationRequest) -> Any:
        return AllocationPlan(most_stock_first=True)


class GoodContract(AllocationStrategyContract):
    """The kit's own requests are enough."""

    cpu_budget = 0.01


class Shouts(GoodStrategy):
    code = "NEAREST!"


class SaysNothing(GoodStrategy):
    def plan(self, request):
        return AllocationPlan()


class AnswersWithAList(GoodStrategy):
    def plan(self, request):
        return list(super().plan(request).locations)


class NamesCodes(GoodStrategy):
    def plan(self, request):
        return AllocationPlan(
            locations=tuple(f"{each}" for each in super().plan(request).locations)
        )


class SendsFromElsewhere(GoodStrategy):
    def plan(self, request):
        return AllocationPlan(locations=(ELSEWHERE, *super().plan(request).locations))


class NamesTwice(GoodStrategy):
    def plan(self, request):
        near = super().plan(request).locations
        return AllocationPlan(locations=near + near[:1])


class NeedsMoreThanItSays(AllocationStrategy):
    code = "blind"
    needs_locations = False

    def plan(self, request):
        return AllocationPlan(most_stock_first=not request.locations)


class ByTheFirstDemand(GoodStrategy):
    def plan(self, request):
        first = request.demands[0].sku if request.demands else ""
        return super().plan(request) if first != "PEN" else AllocationPlan()


class NeedsAnAddress(GoodStrategy):
    def plan(self, request):
        return super().plan(request) if request.destination.country else AllocationPlan()


class ClosesPlaces(GoodStrategy):
    def plan(self, request):
        for each in request.locations[:1]:
            msgspec.structs.force_setattr(each, "active", False)
        return super().plan(request)


class Alternates(GoodStrategy):
    last: Any = None

    def plan(self, request):
        if len(request.locations) > 100:
            return super().plan(request)
        again, self.last = request is self.last, request
        return AllocationPlan() if again else super().plan(request)


class RemembersTheMarket(GoodStrategy):
    market: Any = ""

    def plan(self, request):
        self.market = request.market if self.market == "" else self.market
        near = super().plan(request).locations
        return AllocationPlan(near, most_stock_first=request.market != self.market)


class PicksFromASet(GoodStrategy):
    def plan(self, request):
        codes = {each.code: each.id for each in request.locations}
        picked = max(codes, key=hash, default=None)
        return AllocationPlan(locations=(codes[picked],) if picked else ())


class ClosedAtNight(GoodStrategy):
    def plan(self, request):
        return AllocationPlan() if datetime.now(UTC).year < 2000 else super().plan(request)


class TossesACoin(GoodStrategy):
    def plan(self, request):
        return AllocationPlan() if random.random() < 0 else super().plan(request)


class MakesIds(GoodStrategy):
    def plan(self, request):
        new_id()
        return super().plan(request)


class AsksForStock(GoodStrategy):
    def plan(self, request):
        with suppress(OSError), socket.socket() as line:
            line.connect(("127.0.0.1", 9))
        return super().plan(request)


class ReadsAMap(GoodStrategy):
    def plan(self, request):
        Path(__file__).read_bytes()
        return super().plan(request)


class ReadsTheEnvironment(GoodStrategy):
    def plan(self, request):
        return AllocationPlan() if "NOWHERE" in os.environ else super().plan(request)


class ComparesAllWithAll(GoodStrategy):
    def plan(self, request):
        if len(request.locations) > 100:
            for one in request.locations[:200]:
                for other in request.locations[:200]:
                    for _ in range(20):
                        _same = one is other
        return super().plan(request)


class DrawsAMap(GoodStrategy):
    def plan(self, request):
        bytes(2_000_000 if len(request.locations) > 100 else 0)
        return super().plan(request)


class KeepsPlans(GoodStrategy):
    def __init__(self) -> None:
        self.plans: list[Any] = []

    def plan(self, request):
        if len(request.locations) > 100:
            self.plans.append([str(each.id) for each in request.locations])
        return super().plan(request)


BROKEN: dict[type[AllocationStrategy], set[str]] = {
    Shouts: {"declares-itself"},
    SaysNothing: {"decides-something"},
    AnswersWithAList: {"answers-with-a-plan"},
    NamesCodes: {"answers-with-a-plan"},
    SendsFromElsewhere: {"proposes-only-what-it-was-offered"},
    NamesTwice: {"names-a-place-once"},
    NeedsMoreThanItSays: {"says-what-it-needs"},
    ByTheFirstDemand: {"order-of-demands-means-nothing"},
    NeedsAnAddress: {"raises-nothing"},
    ClosesPlaces: {"changes-nothing"},
    Alternates: {"answers-the-same-twice"},
    RemembersTheMarket: {"keeps-nothing-between-calls", "answers-the-same-on-every-node"},
    PicksFromASet: {"answers-the-same-on-every-node"},
    ClosedAtNight: {"looks-at-no-clock"},
    TossesACoin: {"throws-no-dice"},
    MakesIds: {"throws-no-dice", "looks-at-no-clock"},
    AsksForStock: {"asks-nobody"},
    ReadsAMap: {"reads-nothing-else"},
    ReadsTheEnvironment: {"reads-nothing-else"},
    ComparesAllWithAll: {"keeps-to-its-time"},
    DrawsAMap: {"keeps-to-its-memory"},
    KeepsPlans: {"leaves-nothing-behind"},
}
"""Which rules, and no others, each of them breaks."""

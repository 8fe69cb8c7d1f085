"""The contract of :class:`commercekit.inventory.AllocationStrategy`, rule by rule."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final
from uuid import UUID, uuid5

import msgspec
import pytest

from commercekit.inventory import (
    AllocationPlan,
    AllocationRequest,
    AllocationStrategy,
    Demand,
    Destination,
    Location,
)
from commercekit.testing.conformance.allocation_rules import ALLOCATION_STRATEGY_RULES
from commercekit.testing.conformance.pure import PureContract, Question

__all__ = ["AllocationStrategyContract", "stock_location"]

_CODE = re.compile(r"[a-z][a-z0-9-]{0,62}")
_SPACE: Final = UUID("01938a00-0000-7000-8000-0000000000aa")
_PLACES: Final = (
    ("nowhere", None, "", ""),
    ("beijing", "CN", "Beijing", "100000"),
    ("hangzhou", "CN", "Zhejiang", "310000"),
    ("ningbo", "CN", "zhejiang ", "315000"),
    ("berlin", "DE", "Berlin", "10115"),
    ("vienna", "AT", "Wien", "1010"),
)
_MANY = 500


def stock_location(code: str, priority: int = 100, **more: Any) -> Location:
    """An active location; ``more`` as in ``Location``."""
    given = {"name": code.title(), "active": True, "version": 1, **more}
    return Location(id=uuid5(_SPACE, code), code=code, priority=priority, **given)


class AllocationStrategyContract(PureContract):
    """Inherit it and give the ``strategy``; add requests in which it has something to say."""

    rules = ALLOCATION_STRATEGY_RULES

    # ---------------------------------------------------------------- what a plugin's tests supply

    @pytest.fixture
    def strategy(self) -> AllocationStrategy:
        """The strategy under test."""
        raise NotImplementedError

    def requests(self) -> Mapping[str, AllocationRequest]:
        """Requests of your own, by name, besides those of the kit."""
        return {}

    sends_to: ClassVar[Destination] = Destination("CN", "Zhejiang", "315100")
    """Where most of the kit's requests go."""

    @pytest.fixture
    def thinker(self, strategy: AllocationStrategy) -> AllocationStrategy:
        """As the rules of everything pure call it."""
        return strategy

    # ------------------------------------------------------------------------------------ material

    def questions(self, thinker: Any, *, salt: int = 0) -> Sequence[Question]:
        """All requests; strategies that need no locations are shown none, as in a shop."""
        asked = {**self.requests(), **self._usual(salt), **self._odd()}
        return [
            Question(
                name,
                thinker.plan,
                (request if thinker.needs_locations else _without_locations(request),),
                large=len(request.locations) >= _MANY,
            )
            for name, request in asked.items()
        ]

    def judge(self, question: Question, answer: Any) -> None:
        """Rule ``answers-with-a-plan``."""
        rule = "answers-with-a-plan"
        fits = isinstance(answer, AllocationPlan)
        self.hold(rule, fits, f"{question.about}: answered {answer!r}")
        made = isinstance(answer.locations, tuple) and all(
            isinstance(each, UUID) for each in answer.locations
        )
        self.hold(rule, made, f"{question.about}: locations are {answer.locations!r}")
        made = isinstance(answer.most_stock_first, bool)
        self.hold(rule, made, f"{question.about}: most_stock_first is {answer.most_stock_first!r}")

    # ------------------------------------------------------------------------------------- the rules

    def test_declares_itself(self, strategy: AllocationStrategy) -> None:
        """Rule ``declares-itself``."""
        code: object = getattr(strategy, "code", None)
        fits = isinstance(code, str) and bool(_CODE.fullmatch(code))
        self.hold("declares-itself", fits, f"code is {code!r}")
        needs: object = strategy.needs_locations
        self.hold("declares-itself", isinstance(needs, bool), f"needs_locations is {needs!r}")

    def test_decides_something(self, strategy: AllocationStrategy) -> None:
        """Rule ``decides-something``: for some request it asks for another order than the shop's."""
        plans = [self.said(question) for question in self.questions(strategy)]
        decided = any(plan != AllocationPlan() for plan in plans)
        self.hold("decides-something", decided, "no request got a plan of its own")

    def test_answers_with_a_plan(self, strategy: AllocationStrategy) -> None:
        """Rule ``answers-with-a-plan``."""
        for question in self.questions(strategy):
            self.said(question)

    def test_proposes_only_what_it_was_offered(self, strategy: AllocationStrategy) -> None:
        """Rule ``proposes-only-what-it-was-offered``."""
        for question in self.questions(strategy):
            offered = {place.id for place in question.given[0].locations}
            others = [each for each in self.said(question).locations if each not in offered]
            detail = f"{question.about}: proposed {others}"
            self.hold("proposes-only-what-it-was-offered", not others, detail)

    def test_names_a_place_once(self, strategy: AllocationStrategy) -> None:
        """Rule ``names-a-place-once``."""
        for question in self.questions(strategy):
            named = self.said(question).locations
            once = len(set(named)) == len(named)
            self.hold("names-a-place-once", once, f"{question.about}: {named}")

    def test_says_what_it_needs(self, strategy: AllocationStrategy) -> None:
        """Rule ``says-what-it-needs``: shown locations that it does not need, it says the same."""
        if strategy.needs_locations:
            return
        for name, request in self._usual(0).items():
            blind = self.said(Question(name, strategy.plan, (_without_locations(request),)))
            shown = self.said(Question(name, strategy.plan, (request,)))
            detail = f"{name}: {blind}, shown the locations {shown}"
            self.hold("says-what-it-needs", blind == shown, detail)

    def test_order_of_demands_means_nothing(self, strategy: AllocationStrategy) -> None:
        """Rule ``order-of-demands-means-nothing``."""
        for question in self.questions(strategy):
            (request,) = question.given
            turned = msgspec.structs.replace(request, demands=request.demands[::-1])
            first = self.said(question)
            other = self.said(question._replace(given=(turned,)))
            detail = f"{question.about}: {first}, reordered {other}"
            self.hold("order-of-demands-means-nothing", first == other, detail)

    # ------------------------------------------------------------------------------------------------

    def _usual(self, salt: int) -> dict[str, AllocationRequest]:
        tail = f"-{salt}" if salt else ""
        places = tuple(
            stock_location(
                f"{code}{tail}", 100 + n, country=country, region=region, postcode=postcode
            )
            for n, (code, country, region, postcode) in enumerate(_PLACES)
        )
        twins = tuple(
            stock_location(f"shelf{n}{tail}", country="CN", region="Zhejiang", postcode="315000")
            for n in range(5)
        )
        many = tuple(
            stock_location(
                f"store{n}{tail}",
                n % 7,
                country=("CN", "DE", "AT")[n % 3],
                region=f"region {n % 11}",
                postcode=f"{310_000 + n}",
                markets=("default",) if n % 2 else (),
            )
            for n in range(_MANY)
        )

        def asked(
            places: tuple[Location, ...], destination: Destination | None, *demands: Demand
        ) -> AllocationRequest:
            wanted = demands or (Demand("MUG", 2), Demand("BAG", 1), Demand("PEN", 25))
            return AllocationRequest(
                demands=wanted, destination=destination, market="default", locations=places
            )

        return {
            "places all over the world": asked(places, self.sends_to),
            "places abroad": asked(places[4:], self.sends_to),
            "no address yet": asked(places, None),
            "one place": asked(places[:1], self.sends_to),
            "five equal places": asked(twins, self.sends_to),
            "the same SKU in two lines": asked(
                places, self.sends_to, Demand("MUG", 2), Demand("CAP", 1), Demand("MUG", 3)
            ),
            "five hundred places": asked(many, self.sends_to),
        }

    def _odd(self) -> dict[str, AllocationRequest]:
        places = tuple(
            stock_location(code, country=country, region="🏙" * 50, postcode="\x00")
            for code, country in (("odd", "??"), ("empty", ""), ("lower", "cn"))
        )

        def asked(*demands: Demand, **more: Any) -> AllocationRequest:
            given = {"destination": self.sends_to, "market": None, "locations": places, **more}
            return AllocationRequest(demands=demands, **given)

        return {
            "no places": asked(Demand("MUG", 1), locations=()),
            "no demands": asked(),
            "a demand for nothing": asked(Demand("MUG", 0)),
            "a million pieces": asked(Demand("SCREW", 1_000_000)),
            "a thousand demands": asked(*(Demand(f"SKU{n}", 1) for n in range(1_000))),
            "an address of nowhere": asked(Demand("茶杯", 1), destination=Destination("")),
            "an address that is none": asked(
                Demand("'; DROP TABLE--", 1),
                destination=Destination("cn", "\u202e浙江", "３１００００" * 100),
            ),
        }


def _without_locations(request: AllocationRequest) -> AllocationRequest:
    return msgspec.structs.replace(request, locations=())

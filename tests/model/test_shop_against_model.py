"""Any sequence of carts, orders, payments, refunds and shipments: the shop and the model say the same."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from commercekit.app import ShopConfiguration
from commercekit.platform.db import audit, invariants_of
from commercekit.testing import ManualClock, TestServer
from tests.model.books import PRICES, WAYWARD, Books, Order, Refused, Request
from tests.promises import Profile
from tests.shop import MUG, SHIRT, Body, TestShop, given, open_shop

T = TypeVar("T")
SKUS = st.sampled_from(sorted(PRICES))
FEW = st.integers(1, 4)
PICK = st.integers(0, 10**6)
_numbers = itertools.count(1)


class Shopping(RuleBasedStateMachine):
    """Every rule does one thing to both, and expects of the shop what the model says."""

    postgres: ClassVar[TestServer]
    configuration: ClassVar[ShopConfiguration]
    apps: ClassVar[Sequence[str]]
    count: ClassVar[Counter[str]] = Counter()
    """What was done and refused, in all examples: a walk that does nothing proves nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._name = f"model_{os.getpid()}_{next(_numbers)}"
        self._runner = asyncio.Runner()
        self._clock = ManualClock()
        self._opened: AsyncIterator[TestShop] = open_shop(
            self.postgres.create(self._name, self.apps), self._clock, self.configuration
        )
        self.shop: TestShop = self._run(anext(self._opened))
        self.books = Books({MUG: 100, SHIRT: 10, "PIN": 25})
        self.bodies: list[Body] = []
        self.asked: list[tuple[Order, Request, str]] = []

    def _run(self, work: Coroutine[Any, Any, T] | Any) -> T:
        async def main() -> T:
            done: T = await work
            return done

        return self._runner.run(main())

    def teardown(self) -> None:
        """Audit the books as every test does, and give everything back."""
        try:
            breaches = self._run(audit(self.shop.shop.db, invariants_of(self.apps)))
            assert [str(breach) for breach in breaches] == []
        finally:
            self._run(anext(self._opened, None))
            self._runner.close()
            self.postgres.drop(self._name)

    @initialize()
    def open_the_shop(self) -> None:
        """A discount for everybody, so that cents have to be shared."""
        self._run(self.shop.product("PIN", PRICES["PIN"], 25))
        self._run(self.shop.promotion("odd", "percentage-off", {"basis_points": 777}))
        for number, wanted in enumerate(({"MUG": 3, "PIN": 3}, {SHIRT: 2, "PIN": 2}, {MUG: 1})):
            self.place(wanted)
            if number < 2:
                self.press(number, "pay")
        self.ship(0, [3, 3, 0])
        self.deliver(0)

    # ------------------------------------------------------------------------ what both are told

    def _expected(self, answer: Any, refusal: Refused | None, *good: int) -> Any:
        """What the shop said, which must be what the model said."""
        if refusal is None:
            assert answer.status_code in good, answer.text
            self.count["done"] += 1
            return answer.json()
        slug = answer.json().get("type", "").rpartition("/")[2]
        self.count[str(refusal)] += 1
        assert answer.status_code in {409, 422}, answer.text
        assert slug == str(refusal), answer.text
        return None

    def _pick(self, number: int) -> tuple[Order, Body]:
        place = number % len(self.books.orders)
        return self.books.orders[place], self.bodies[place]

    has_orders = precondition(lambda self: bool(self.books.orders))

    @rule(wanted=st.dictionaries(SKUS, FEW, min_size=1, max_size=3))
    def place(self, wanted: dict[str, int]) -> None:
        """One order, through a cart or at once."""
        trial = Books(self.books.on_hand)
        trial.orders = list(self.books.orders)
        try:
            total = trial.place(wanted).total
        except Refused as refused:
            answer = self._run(self.shop.order(*wanted.items()))
            self._expected(answer, refused)
            return
        if total % 10_000 in WAYWARD:
            return
        order = self.books.place(wanted)
        body = self._expected(self._run(self.shop.order(*wanted.items())), None, 201)
        assert body["totals"]["total"]["amount"] == order.total
        assert [line["total"]["amount"] for line in body["lines"]] == [
            line.payable for line in order.lines
        ]
        self.bodies.append(body)

    @rule(wanted=st.lists(st.tuples(SKUS, FEW), min_size=1, max_size=4))
    def fill_a_cart_and_leave(self, wanted: list[tuple[str, int]]) -> None:
        """A cart holds nothing, and never more than there is."""
        cart = self._run(self.shop.cart())
        inside: dict[str, int] = {}
        for sku, quantity in wanted:
            line = {"sku": sku, "quantity": quantity}
            answer = self._run(cart.ask("POST", "/lines", json=line))
            available = self.books.available(sku)
            if available <= 0:
                self._expected(answer, Refused("out-of-stock"))
                continue
            inside[sku] = min(inside.get(sku, 0) + quantity, available)
            seen = self._expected(answer, None, 200)
            assert {each["sku"]: each["quantity"] for each in seen["lines"]} == inside

    @rule(sku=SKUS, quantity=FEW)
    def receive(self, sku: str, quantity: int) -> None:
        """Goods come in."""
        self.books.receive(sku, quantity)
        path = f"/admin/stock/{sku}/receipts"
        given(self._run(self.shop.admin("POST", path, json={"quantity": quantity})), 201)

    @has_orders
    @rule(number=PICK, button=st.sampled_from(["pay", "pay", "pay", "decline"]))
    def press(self, number: int, button: str) -> None:
        """A button of the payment page that was opened last."""
        order, body = self._pick(number)
        page = body["payment"]["action"]["url"]
        answer = self._run(self.shop.client.post(page, data={"action": button}))
        assert answer.status_code in {200, 303, 410}, answer.text
        self._run(self.shop.settle())
        (self.books.pay if button == "pay" else self.books.decline)(order)

    @has_orders
    @rule(number=PICK)
    def pay_again(self, number: int) -> None:
        """Only where nothing is paid, and no other page is open."""
        order, body = self._pick(number)
        if order.payable:
            return
        refusal = _refusal(lambda: self.books.pay_again(order))
        wish = {"payment_method": "sandbox"}
        answer = self._run(self.shop.ask("POST", body, "/payments", json=wish))
        seen = self._expected(answer, refusal, 201)
        if seen is not None:
            body["payment"] = seen["payment"]

    @has_orders
    @rule(number=PICK)
    def cancel(self, number: int) -> None:
        """By the shopper."""
        order, body = self._pick(number)
        if (order.captured - order.refunded) % 10_000 in WAYWARD:
            return
        refusal = _refusal(lambda: self.books.cancel(order))
        answer = self._run(self.shop.ask("POST", body, "/cancel", json={}))
        self._expected(answer, refusal, 200, 201)
        self._run(self.shop.settle())

    @rule()
    def wait_until_it_is_too_late(self) -> None:
        """Whoever has not paid by now has lost the goods."""
        self._clock.advance(minutes=31)
        self._run(self.shop.settle())
        self._run(self.shop.shop.orders.close_unpaid())
        self.books.expire()

    @has_orders
    @rule(number=PICK, units=st.lists(st.integers(0, 3), min_size=3, max_size=3))
    def ship(self, number: int, units: list[int]) -> None:
        """Some units of each line."""
        order, body = self._pick(number)
        units = units[: len(order.lines)]
        if not any(units):
            return
        refusal = _refusal(lambda: self.books.ship(order, units))
        answer = self._run(self.shop.ship(body, lines=_lines(body, units)))
        self._expected(answer, refusal, 201)

    @has_orders
    @rule(number=PICK)
    def deliver(self, number: int) -> None:
        """All parcels arrive."""
        order, body = self._pick(number)
        shipments = self._run(self.shop.read(body))["shipments"]
        for shipment in shipments:
            self._run(self.shop.deliver(shipment))
        if shipments:
            self.books.deliver(order)

    @has_orders
    @rule(
        number=PICK,
        units=st.lists(st.integers(0, 4), min_size=3, max_size=3),
        freight=st.booleans(),
    )
    def ask_back(self, number: int, units: list[int], freight: bool) -> None:
        """Money for some units, and perhaps the freight."""
        order, body = self._pick(number)
        units = units[: len(order.lines)]
        made: list[Request] = []
        refusal = _refusal(lambda: made.append(self.books.ask_back(order, units, freight=freight)))
        wish = {"lines": _lines(body, units), "shipping": freight, "reason": "It does not fit"}
        answer = self._run(self.shop.ask("POST", body, "/refund-requests", json=wish))
        seen = self._expected(answer, refusal, 201)
        if seen is not None:
            assert seen["amount"]["amount"] == made[0].amount
            self.asked.append((order, made[0], seen["id"]))

    @precondition(lambda self: bool(self.asked))
    @rule(number=PICK, agree=st.sampled_from([True, True, False]))
    def decide(self, number: int, agree: bool) -> None:
        """Staff agree, or not."""
        order, request, request_id = self.asked[number % len(self.asked)]
        if order.status == "cancelled" or request.amount % 10_000 in WAYWARD:
            return
        if agree:
            refusal = _refusal(lambda: self.books.approve(order, request))
            answer = self._run(self.shop.approve({"id": request_id}))
        else:
            refusal = None
            self.books.reject(order, request)
            answer = self._run(self.shop.reject({"id": request_id}))
        self._expected(answer, refusal, 200, 201)
        self._run(self.shop.settle())
        if refusal is None:
            self.asked.remove((order, request, request_id))

    @precondition(lambda self: any(order.status == "completed" for order in self.books.orders))
    @rule(number=PICK, units=st.lists(st.integers(0, 2), min_size=3, max_size=3))
    def send_back(self, number: int, units: list[int]) -> None:
        """Goods that were delivered come back in good order, and the money goes the other way."""
        done = [i for i, order in enumerate(self.books.orders) if order.status == "completed"]
        order, body = self._pick(done[number % len(done)])
        units = units[: len(order.lines)]
        amount = self.books.may_send_back(order, units)
        if amount <= 0 or amount % 10_000 in WAYWARD:
            return
        wish = {"lines": _lines(body, units), "reason": "It does not fit"}
        asked = given(self._run(self.shop.ask("POST", body, "/returns", json=wish)), 201)
        found = [
            {"line_id": line["line_id"], "sellable": line["quantity"], "damaged": 0, "missing": 0}
            for line in asked["lines"]
        ]
        path = f"/admin/returns/{asked['id']}"
        steps: dict[str, Body] = {"approve": {}, "receive": {}, "inspect": {"lines": found}}
        for verb, more in {**steps, "close": {}}.items():
            closed = given(self._run(self.shop.admin("POST", f"{path}/{verb}", json=more)))
        assert closed["refund"]["amount"] == amount
        self._run(self.shop.settle())
        self.books.send_back(order, units)
        self.count["returned"] += 1

    # -------------------------------------------------------------------------- what must be so

    @invariant()
    def the_shelf_is_right(self) -> None:
        """On hand and promised, of each SKU."""
        for sku in PRICES if self.bodies else ():
            wanted = (self.books.on_hand[sku], self.books.allocated(sku))
            assert self._run(self.shop.stock(sku)) == wanted, sku

    @invariant()
    def the_orders_are_right(self) -> None:
        """Life, money and units of each."""
        for order, body in zip(self.books.orders, self.bodies, strict=True):
            seen = self._run(self.shop.read(body))
            summary = self._run(self.shop.shop.payments.summary(None, body["id"]))
            assert seen["status"] == order.status
            assert (summary.captured, summary.refunded) == (order.captured, order.refunded)
            assert summary.refunded <= summary.captured
            counts = [(x["shipped"], x["cancelled"], x["refunded"]) for x in seen["lines"]]
            assert counts == [(x.shipped, x.cancelled, x.refunded) for x in order.lines]


def _refusal(change: Any) -> Refused | None:
    try:
        change()
    except Refused as refused:
        return refused
    return None


def _lines(body: Body, units: Sequence[int]) -> list[Body]:
    return [
        {"line_id": line["id"], "quantity": quantity}
        for line, quantity in zip(body["lines"], units, strict=False)
        if quantity
    ]


@pytest.fixture
def machine(
    postgres: TestServer, configuration: ShopConfiguration, piccolo_apps: Sequence[str]
) -> type[Shopping]:
    """The machine, told where its databases come from."""
    Shopping.postgres, Shopping.configuration, Shopping.apps = postgres, configuration, piccolo_apps
    Shopping.count.clear()
    return Shopping


def _walk(
    machine: type[Shopping],
    *,
    examples: int,
    steps: int,
    derandomize: bool,
    phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink),
) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=derandomize,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


@pytest.mark.promise("R39")
@pytest.mark.timeout(600)
def test_the_shop_does_what_the_model_says(machine: type[Shopping]) -> None:
    _walk(machine, examples=4, steps=20, derandomize=True)
    assert machine.count["done"] >= 10, machine.count
    assert machine.count["returned"] >= 1, machine.count
    assert machine.count["invalid-transition"] >= 1, machine.count


@pytest.mark.timeout(600)
def test_a_shop_that_keeps_the_stock_of_cancelled_orders_is_found(
    machine: type[Shopping], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr("commercekit.inventory.InventoryService.release", nothing)
    with pytest.raises((AssertionError, BaseExceptionGroup)):
        _walk(machine, examples=4, steps=20, derandomize=True, phases=(Phase.generate,))


@pytest.mark.faults
@pytest.mark.promise("R39")
@pytest.mark.timeout(7200)
def test_the_shop_does_what_the_model_says_for_a_long_time(
    machine: type[Shopping], profile: Profile
) -> None:
    _walk(machine, examples=profile.times(quick=4, full=40), steps=60, derandomize=False)

"""Freight of an order that staff edit: kept as agreed, asked for again, or named; never both at once."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given as over
from hypothesis import strategies as st
from msgspec.structs import replace

from commercekit.checkout.models import FreightWish
from commercekit.checkout.service.edit_freight import (
    EditFreight,
    freight_discount,
    priced_freight,
    standing_load,
)
from commercekit.fulfilment import ShippingOption
from commercekit.kernel import Address, Money
from commercekit.markets import Market, Rounding
from commercekit.orders import NewShipping, OrderChange
from commercekit.orders.rules import freight_difference
from commercekit.pricing import TaxDestination, TaxTable
from commercekit.pricing.models import TaxRate
from tests.checkout.test_order_edits import both, edit, line_of, preview
from tests.mutants.test_quotes_without_a_shop import market
from tests.orders.test_rules import order_of
from tests.shop import ADDRESS, MUG, PICKUP, SHIPPING, SHIRT, TestShop, cny, events, given, refused


async def test_freight_stays_as_agreed_unless_it_is_asked_for_again(shop: TestShop) -> None:
    order = await shop.paid((MUG, 1))
    kept = await both(shop, order, add=[{"sku": SHIRT, "quantity": 6}])
    assert kept["after"]["shipping"] == cny(1_000)
    assert kept["freight_changed"] is False
    again = await both(shop, order, freight={})
    assert (again["before"]["shipping"], again["after"]["shipping"]) == (cny(1_000), cny(0))
    assert (again["difference"], again["freight_changed"]) == (cny(-1_000), True)
    assert again["after"]["total"] == cny(4_500 + 6 * 19_900)
    assert again["to_pay"] == cny(4_500 + 6 * 19_900 - 5_500)
    read = await shop.read(order)
    assert read["totals"]["shipping"] == cny(0)
    refused(await edit(shop, order, freight={}), 422, "nothing-to-change")


async def test_freight_is_that_of_what_will_stand(shop: TestShop) -> None:
    order = await shop.paid((MUG, 1), (SHIRT, 6))
    assert order["totals"]["shipping"] == cny(0)
    wish = {"lines": [{"line_id": line_of(order, SHIRT), "quantity": 1}], "freight": {}}
    outcome = await both(shop, order, **wish)
    assert outcome["after"]["shipping"] == cny(1_000)
    assert outcome["refund"] == cny(5 * 19_900 - 1_000)
    await shop.settle()
    read = await shop.read(order)
    assert [r["amount"] for r in read["refunds"]] == [cny(5 * 19_900 - 1_000)]
    assert (read["payment_status"], events(read).count("edited")) == ("paid", 1)
    given(await shop.ship(order), 201)


async def test_staff_name_freight_or_have_it_sent_otherwise(shop: TestShop) -> None:
    order = await shop.paid((MUG, 1))
    dearer = await both(shop, order, freight={"amount": cny(2_500)})
    assert (dearer["difference"], dearer["to_pay"]) == (cny(1_500), cny(1_500))
    assert (await shop.read(order))["payment_status"] == "partially_paid"
    fetched = await both(shop, order, freight={"code": PICKUP})
    assert (fetched["after"]["shipping"], fetched["refund"]) == (cny(0), cny(1_000))
    sent = await both(shop, order, freight={"code": SHIPPING, "amount": cny(1_000)})
    assert (sent["after"]["total"], sent["to_pay"]) == (cny(5_500), cny(1_000))
    cases = [
        ({"code": "balloon"}, 422, "shipping-not-available"),
        ({"amount": {"amount": 100, "currency": "USD"}}, 422, "wrong-currency"),
        ({"amount": cny(-1)}, 400, "validation"),
        ({"price": 1}, 400, "validation"),
    ]
    for freight, status, slug in cases:
        for ask in (preview, edit):
            refused(await ask(shop, order, freight=freight), status, slug)
    assert (await shop.read(order))["totals"]["total"] == cny(5_500)


async def test_freight_that_went_back_or_travels_is_not_changed(shop: TestShop) -> None:
    order = await shop.paid((MUG, 3))
    asked = await shop.asked_back(order, 1, shipping=True)
    refused(await edit(shop, order, freight={"amount": cny(1)}), 409, "invalid-transition")
    given(await shop.reject(asked))
    given(await edit(shop, order, freight={"amount": cny(900)}), 201)
    given(await shop.approve(await shop.asked_back(order, 1, shipping=True)))
    await shop.settle()
    assert [r["amount"] for r in (await shop.read(order))["refunds"]] == [cny(100), cny(5_400)]
    refused(await edit(shop, order, freight={"amount": cny(1)}), 409, "invalid-transition")
    packed = await shop.paid((MUG, 2))
    line = {"line_id": packed["lines"][0]["id"], "quantity": 1}
    given(await shop.ship(packed, lines=[line]), 201)
    refused(await edit(shop, packed, freight={"amount": cny(1)}), 409, "invalid-transition")
    assert (await shop.read(packed))["totals"]["shipping"] == cny(1_000)


async def test_an_open_page_is_closed_and_the_courier_asked_anew(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    outcome = given(await edit(shop, order, freight={"amount": cny(0)}), 201)
    assert outcome["to_pay"] == cny(4_500)
    assert [p["status"] for p in (await shop.read(order))["payments"]] == ["closed"]
    cash = await shop.placed((MUG, 1), method="cod")
    there = {**ADDRESS, "line1": "2 Other Road"}
    given(await edit(shop, cash, address=there, freight={"amount": cny(2_000)}), 201)
    await shop.settle()
    read = await shop.read(cash)
    due = [(p["amount"], p["status"]) for p in read["payments"]]
    assert due == [(cny(5_500), "closed"), (cny(6_500), "pending")]


# ------------------------------------------------------------------------------ sums, without a shop

OPTION = ShippingOption(
    code="post", label={"en": "Post"}, amount=Money(1, "CNY"), carrier="post", service="std"
)
_SUMS = st.integers(0, 10**9)


def _rates(ppm: int) -> TaxTable:
    return TaxTable({"standard": (TaxRate(uuid4(), "standard", "CN", None, ppm, {"en": "VAT"}),)})


@over(amount=_SUMS, off=_SUMS, ppm=st.integers(0, 300_000), inclusive=st.booleans())
def test_freight_is_less_what_is_off_and_never_below_nothing(
    amount: int, off: int, ppm: int, *, inclusive: bool
) -> None:
    made = priced_freight(
        OPTION, Money(amount, "CNY"), off=Money(off, "CNY"), table=_rates(ppm),
        inclusive=inclusive, rounding=Rounding.LINE,
    )  # fmt: skip
    net = max(0, amount - off)
    assert made.amount == amount
    assert made.payable == (net if inclusive else net + made.tax)
    assert (made.code, made.carrier, made.service) == ("post", "post", "std")


def _shipping(amount: int, off: int, tax: int, *, inclusive: bool) -> NewShipping:
    payable = amount - off + (0 if inclusive else tax)
    return NewShipping(
        code="post", label={}, carrier="post", service="std",
        amount=amount, tax=tax, payable=payable,
    )  # fmt: skip


@over(
    before=st.tuples(_SUMS, _SUMS, _SUMS),
    after=st.tuples(_SUMS, _SUMS, _SUMS),
    inclusive=st.booleans(),
)
def test_the_difference_of_freight_keeps_an_orders_sums_right(
    before: tuple[int, int, int], after: tuple[int, int, int], *, inclusive: bool
) -> None:
    agreed, wanted = (
        _shipping(amount, min(off, amount), tax, inclusive=inclusive)
        for amount, off, tax in (before, after)
    )
    order = replace(order_of((1, 100, 0)), shipping=agreed, prices_include_tax=inclusive)
    assert freight_discount(order).amount == min(before[0], before[1])
    difference = freight_difference(order, wanted)
    added = 0 if inclusive else difference.tax.amount
    assert difference.total.amount == (
        difference.shipping.amount - difference.discount.amount + added
    )
    assert agreed.payable + difference.total.amount == wanted.payable
    nothing = freight_difference(order, None)
    assert nothing == freight_difference(order, agreed)
    assert not nothing.total


class _Quoter:
    """Freight costs 15.00 by post; what is asked is noted."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, Money, str | None]] = []

    async def freight(
        self, address: Address, weight: int, value: Money, code: str | None
    ) -> ShippingOption:
        self.asked.append((address.line1, weight, value, code))
        return replace(OPTION, code=code or "post", amount=Money(1_500, "CNY"))


class _Markets:
    async def by_code(self, code: str) -> Market:
        return market()


class _Pricing:
    async def tax_for(self, destination: TaxDestination, classes: set[str]) -> TaxTable:
        assert (destination.country, classes) == ("CN", {"standard"})
        return _rates(0)


@pytest.mark.parametrize(
    ("wish", "amount", "payable"),
    [
        (FreightWish(), 1_500, 500),
        (FreightWish(code="express"), 1_500, 500),
        (FreightWish(amount=Money(700, "CNY")), 700, 700),
        (FreightWish(code="express", amount=Money(700, "CNY")), 700, 700),
    ],
)
async def test_what_a_promotion_took_off_freight_stays_off_unless_staff_name_a_price(
    wish: FreightWish, amount: int, payable: int
) -> None:
    agreed = _shipping(1_000, 1_000, 0, inclusive=True)
    order = order_of((4, 100, 0))
    line = replace(order.lines[0], weight_grams=200, discount=Money(30, "CNY"))
    order = replace(order, shipping=agreed, lines=[line])
    quoter = _Quoter()
    freight = EditFreight(_Markets(), _Pricing(), quoter)  # type: ignore[arg-type]  # as far as it asks them
    change = OrderChange(take_off={line.id: 1})
    made = await freight.price(order, wish, change)
    assert (made.amount, made.payable) == (amount, payable)
    weight, value = standing_load(order, change)
    assert (weight, value.amount) == (600, 278)
    asked = [(order.address.line1, weight, value, wish.code or "post")]
    assert quoter.asked == ([] if wish.amount is not None and wish.code is None else asked)


@pytest.mark.parametrize("inclusive", [True, False])
def test_an_order_that_had_no_freight_gets_all_of_it(*, inclusive: bool) -> None:
    order = replace(order_of((1, 100, 0)), shipping=None, prices_include_tax=inclusive)
    wanted = _shipping(1_000, 200, 80, inclusive=inclusive)
    assert freight_difference(order, wanted).total.amount == wanted.payable
    assert not freight_discount(order)

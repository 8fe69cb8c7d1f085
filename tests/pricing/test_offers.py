"""What is kept of a SKU's prices says the same as PostgreSQL, and every change of it is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commercekit.kernel import Money, new_id
from commercekit.pricing import ListedPriceChanged, PriceListChanged, TaxRatesChanged

DAY = timedelta(days=1)


def cny(amount):
    return Money(amount, "CNY")


class Fresh:
    """A market nobody has prices in yet, for every example."""

    currency = "CNY"
    code = "fresh"

    def __init__(self):
        self.id = new_id()


_days = st.one_of(st.none(), st.integers(-3, 3))
_lists = st.lists(
    st.tuples(
        st.sampled_from([None, "club", "staff"]),
        st.integers(0, 2),
        _days,
        _days,
        st.booleans(),
        st.dictionaries(st.sampled_from([1, 2, 10]), st.integers(1, 9_999), max_size=3),
    ),
    max_size=5,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_an_offer_finds_the_price_that_sql_finds(database, pricing, clock, data):
    market = Fresh()
    pricing._markets.market = market
    now = clock.now()
    await pricing.add_price_list(f"base-{market.id}", "fresh", {}, is_default=True)
    wanted = [(None, 0, None, None, True, {1: 5_000})]
    wanted += data.draw(_lists)
    for number, (segment, priority, starts, ends, active, tiers) in enumerate(wanted):
        code = f"base-{market.id}" if number == 0 else f"{number}-{market.id}"
        if number:
            starts_at = None if starts is None else now + starts * DAY
            ends_at = None if ends is None else now + ends * DAY
            if starts_at is not None and ends_at is not None and ends_at <= starts_at:
                ends_at = None
            await pricing.add_price_list(
                code,
                "fresh",
                {},
                segment=segment,
                priority=priority,
                starts_at=starts_at,
                ends_at=ends_at,
                active=active,
            )
        for quantity, amount in tiers.items():
            await pricing.put_price(
                code, "mug", cny(amount), None, expected=None, min_quantity=quantity
            )
    offer = (await pricing.offers(market, ["mug"]))["mug"]
    for quantity in (1, 2, 9, 10):
        for segments in ((), ("club",), ("club", "staff")):
            for at in (now - 2 * DAY, now, now + 2 * DAY):
                asked = await pricing.prices(
                    market, ["mug"], quantities={"mug": quantity}, segments=segments, at=at
                )
                assert offer.price(quantity, segments, at) == asked.get("mug")


@pytest.fixture
async def retail(pricing, facts):
    await pricing.add_price_list("retail", "default", {}, is_default=True)
    await pricing.put_price("retail", "mug", cny(1000), None, expected=None)
    facts.clear()


async def test_a_price_from_ten_on_is_told_as_listed(retail, pricing, market, facts):
    await pricing.put_price("retail", "mug", cny(900), None, expected=None, min_quantity=10)
    told = ListedPriceChanged(sku="mug", market_id=market.id, price_list="retail")
    assert facts == [told]
    await pricing.delete_price("retail", "mug", expected=1, min_quantity=10)
    assert facts == [told, told]


async def test_a_list_and_its_changes_are_told(retail, pricing, market, facts):
    made = await pricing.add_price_list("club", "default", {}, segment="club")
    await pricing.put_price("club", "mug", cny(800), None, expected=None)
    await pricing.change_price_list("club", expected=made.version, segment="staff")
    changed = PriceListChanged(price_list_id=made.id, market_id=market.id)
    listed = ListedPriceChanged(sku="mug", market_id=market.id, price_list="club")
    assert facts == [changed, listed, changed]


async def test_a_country_that_taxes_otherwise_is_told(pricing, facts):
    rate = await pricing.add_tax_rate("standard", "CN", None, 130_000, {"en": "VAT"})
    await pricing.change_tax_rate(rate.id, 90_000, {"en": "VAT"}, expected=rate.version)
    await pricing.delete_tax_rate(rate.id, expected=rate.version + 1)
    assert facts == [TaxRatesChanged(country="CN")] * 3

"""Which list's price counts, and what a price was before."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest

from commercekit.kernel import Money
from commercekit.pricing import PriceChanged, UnacceptableList, Unpriced, Verdict

DAY = timedelta(days=1)


def cny(amount):
    return Money(amount, "CNY")


@pytest.fixture
def put(pricing):
    async def write(code, amount, *, sku="mug", min_quantity=1):
        try:
            expected = (await pricing.listed_price(code, sku, min_quantity)).version
        except Unpriced:
            expected = None
        await pricing.put_price(
            code, sku, cny(amount), None, expected=expected, min_quantity=min_quantity
        )

    return write


@pytest.fixture
async def retail(pricing, put, told):
    """The default list: a mug costs 1000."""
    await pricing.add_price_list("retail", "default", {}, is_default=True)
    await put("retail", 1000)
    told.clear()


@pytest.fixture
def cost(pricing, market):
    async def ask(quantity=1, **options):
        price = (
            await pricing.prices(market, ["mug"], quantities={"mug": quantity}, **options)
        ).get("mug")
        return price and (price.amount.amount, price.price_list, price.min_quantity)

    return ask


async def verdicts(pricing, **options):
    found = await pricing.explain("default", "mug", **options)
    return {each.price_list: each.verdict for each in found.candidates}


async def test_more_cost_less_from_the_quantity_on_that_a_break_names(retail, put, cost):
    await put("retail", 900, min_quantity=10)
    await put("retail", 800, min_quantity=100)
    assert await cost(1) == (1000, "retail", 1)
    assert await cost(9) == (1000, "retail", 1)
    assert await cost(10) == (900, "retail", 10)
    assert await cost(100) == (800, "retail", 100)


async def test_a_segments_list_is_for_its_customers_only(retail, pricing, put, cost, told):
    await pricing.add_price_list("staff", "default", {}, segment="staff")
    await put("staff", 500)
    assert await cost() == (1000, "retail", 1)
    assert await cost(segments=["vip"]) == (1000, "retail", 1)
    assert await cost(segments=["vip", "staff"]) == (500, "staff", 1)
    assert told == []
    assert await verdicts(pricing) == {"staff": Verdict.OTHER_SEGMENT, "retail": Verdict.WON}
    assert await verdicts(pricing, segments=["staff"]) == {
        "staff": Verdict.WON,
        "retail": Verdict.OUTRANKED,
    }


async def test_priority_wins_over_price_segment_and_period(retail, pricing, put, cost, clock):
    await pricing.add_price_list("staff", "default", {}, segment="staff")
    await pricing.add_price_list("sale", "default", {}, ends_at=clock.now() + DAY)
    await pricing.add_price_list("top", "default", {}, priority=5)
    await put("staff", 500)
    await put("sale", 700)
    assert await cost(segments=["staff"]) == (500, "staff", 1)
    assert await cost() == (700, "sale", 1)
    await put("top", 1200)
    assert await cost(segments=["staff"]) == (1200, "top", 1)
    assert await verdicts(pricing, segments=["staff"]) == {
        "top": Verdict.WON,
        "staff": Verdict.OUTRANKED,
        "sale": Verdict.OUTRANKED,
        "retail": Verdict.OUTRANKED,
    }


async def test_a_list_without_the_sku_leaves_it_to_the_next(retail, pricing, put, cost):
    await pricing.add_price_list("top", "default", {}, priority=5)
    await put("top", 1, sku="lid")
    assert await cost() == (1000, "retail", 1)
    await put("top", 700, min_quantity=10)
    assert await cost(9) == (1000, "retail", 1)
    assert await verdicts(pricing, quantity=9) == {"top": Verdict.TOO_FEW, "retail": Verdict.WON}
    assert await cost(10) == (700, "top", 10)


async def test_a_period_begins_and_ends_by_itself(retail, pricing, put, cost, clock, told, market):
    start, end = clock.now() + DAY, clock.now() + 2 * DAY
    await pricing.add_price_list("sale", "default", {}, starts_at=start, ends_at=end)
    await put("sale", 700)
    assert (await cost(), told) == ((1000, "retail", 1), [])
    assert await verdicts(pricing) == {"sale": Verdict.NOT_STARTED, "retail": Verdict.WON}
    assert await pricing.follow_periods() == 0
    clock.advance(DAY)
    assert await cost() == (700, "sale", 1)
    assert await pricing.follow_periods() == 1
    assert told == [PriceChanged(sku="mug", market_id=market.id, amount=cny(700), compare_at=None)]
    assert await pricing.follow_periods() == 0
    clock.advance(DAY)
    assert await cost() == (1000, "retail", 1)
    assert await pricing.follow_periods() == 1
    assert told[-1].amount == cny(1000)
    assert await verdicts(pricing) == {"sale": Verdict.ENDED, "retail": Verdict.WON}


async def test_what_shoppers_see_is_told_when_a_list_is_switched(retail, pricing, put, told):
    await pricing.add_price_list("top", "default", {}, priority=5, active=False)
    await put("top", 700)
    assert told == []
    await pricing.change_price_list("top", expected=1, active=True)
    assert [fact.amount for fact in told] == [cny(700)]
    await put("retail", 900)
    assert {fact.amount for fact in told} == {cny(700)}
    await pricing.change_price_list("top", expected=2, priority=0)
    assert told[-1].amount == cny(900)
    assert (await verdicts(pricing))["top"] is Verdict.PLAIN


async def test_lists_that_cannot_be_are_refused(pricing, clock):
    now = clock.now()
    with pytest.raises(UnacceptableList):
        await pricing.add_price_list("a", "default", {}, starts_at=now, ends_at=now)
    for wrong in ({"segment": "vip"}, {"ends_at": now}, {"active": False}):
        with pytest.raises(UnacceptableList):
            await pricing.add_price_list("a", "default", {}, is_default=True, **wrong)
    await pricing.add_price_list("a", "default", {}, is_default=True)
    with pytest.raises(UnacceptableList):
        await pricing.change_price_list("a", expected=1, segment="vip")
    assert (await pricing.price_list("a")).version == 1


# ---------------------------------------------------------------- the lowest of 30 days


@pytest.fixture
def lowest(pricing, market):
    async def ask():
        found = (await pricing.prices(market, ["mug"], lowest=True))["mug"].lowest_30d
        return found and found.amount

    return ask


async def test_a_first_price_has_none_before_it(retail, lowest):
    assert await lowest() is None


async def test_the_lowest_is_that_of_the_30_days_before_the_reduction(retail, put, lowest, clock):
    clock.advance(5 * DAY)
    await put("retail", 800)
    clock.advance(10 * DAY)
    await put("retail", 1200)
    clock.advance(10 * DAY)
    await put("retail", 900)
    assert await lowest() == 800
    clock.advance(365 * DAY)
    assert await lowest() == 800, "what counts is the time before the reduction, not before today"


async def test_what_ended_more_than_30_days_before_does_not_count(retail, put, lowest, clock):
    clock.advance(DAY)
    await put("retail", 500)
    clock.advance(DAY)
    await put("retail", 1200)
    clock.advance(31 * DAY)
    await put("retail", 900)
    assert await lowest() == 1200


async def test_a_campaign_is_compared_with_what_was_asked_before_it_began(
    retail, pricing, put, lowest, clock
):
    start = clock.now() + 20 * DAY
    await pricing.add_price_list("sale", "default", {}, starts_at=start, ends_at=start + DAY)
    await put("sale", 700)
    await pricing.add_price_list("staff", "default", {}, segment="staff")
    await put("staff", 100)
    clock.advance(10 * DAY)
    await put("retail", 950)
    await put("retail", 1100)
    clock.advance(10 * DAY)
    assert await lowest() == 1000
    clock.advance(DAY)
    await put("retail", 600)
    assert await lowest() == 700


async def test_prices_taken_away_end(retail, pricing, put, lowest, clock):
    clock.advance(DAY)
    await pricing.delete_price("retail", "mug", expected=1)
    clock.advance(40 * DAY)
    await put("retail", 900)
    assert await lowest() is None


async def test_history_is_append_only_and_written_by_whoever_writes_a_price(retail, database):
    async with database.unit_of_work() as uow:
        await uow.execute("UPDATE pricing_price SET amount = 1, changed_at = now()")
    rows = await database.fetch("SELECT amount FROM pricing_price_history ORDER BY id")
    assert [row["amount"] for row in rows] == [1000, 1]
    for statement in (
        "UPDATE pricing_price_history SET amount = 2",
        "DELETE FROM pricing_price_history",
    ):
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            async with database.unit_of_work() as uow:
                await uow.execute(statement)


async def test_a_price_is_explained_over_http(retail, client, clock):
    clock.advance(DAY)
    body = {"code": "bulk", "name": {}, "priority": 3, "ends_at": "2099-01-01T00:00:00Z"}
    made = await client.post("/admin/price-lists", json=body)
    assert made.status_code == 201, made.text
    price = {"amount": {"amount": 700, "currency": "CNY"}}
    put = await client.put("/admin/price-lists/bulk/prices/mug?min_quantity=10", json=price)
    assert (put.status_code, put.json()["min_quantity"]) == (201, 10), put.text
    answer = await client.get("/admin/price-explanations?sku=mug&quantity=12")
    assert answer.json()["price"]["amount"] == {"amount": 700, "currency": "CNY"}
    assert answer.json()["price"]["lowest_30d"] == {"amount": 1000, "currency": "CNY"}
    assert [(c["price_list"], c["verdict"]) for c in answer.json()["candidates"]] == [
        ("bulk", "won"),
        ("retail", "outranked"),
    ]
    changed = await client.patch(
        "/admin/price-lists/bulk",
        json={"active": False, "ends_at": None},
        headers={"If-Match": made.headers["etag"]},
    )
    assert (changed.status_code, changed.json()["ends_at"]) == (200, None), changed.text
    answer = await client.get("/admin/price-explanations?sku=mug&quantity=12")
    assert [c["verdict"] for c in answer.json()["candidates"]] == ["inactive", "won"]
    wrong = await client.post(
        "/admin/price-lists", json={"code": "x", "name": {}, "default": True, "segment": "vip"}
    )
    assert (wrong.status_code, wrong.json()["type"].rpartition("/")[2]) == (
        422,
        "unacceptable-price-list",
    )

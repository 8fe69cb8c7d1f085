"""Whole baskets through the engine with the rules of this plugin."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid5

import msgspec
import pytest

from commercekit.kernel import Money
from commercekit.promotions import (
    BasketLine,
    PricedBasket,
    Promotion,
    RegisteredRule,
    RuleRunner,
    Scope,
    evaluate,
    open_book,
)
from commercekit_promotions_standard import PercentageOff, SpendAndSave

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SPACE = UUID("01938a00-0000-7000-8000-000000000003")
EVERYTHING = Scope()
RULES = {
    rule.code: RegisteredRule(rule, "promotions-standard", "0.1.0")
    for rule in (PercentageOff(), SpendAndSave())
}


def cny(amount):
    return Money(amount, "CNY")


def line(id, price, quantity=1, category="all"):
    return BasketLine(
        id=id,
        sku=id,
        product_id=uuid5(SPACE, id),
        quantity=quantity,
        unit_price=cny(price),
        categories=frozenset({category}),
    )


def basket(*lines, currency="CNY"):
    return PricedBasket(currency=currency, now=NOW, lines=lines)


def promotion(code, rule, config, **more):
    return Promotion(
        id=uuid5(SPACE, code),
        code=code,
        name={"en": code},
        rule=rule,
        config=msgspec.Raw(msgspec.json.encode(config)),
        **more,
    )


def percent(code, basis_points, *, lane=200, scope=EVERYTHING, **config):
    settings = {"basis_points": basis_points, **config}
    return promotion(code, "percentage-off", settings, lane=lane, scope=scope)


def tiers(*pairs, **config):
    steps = [{"spend": cny(spend), "save": cny(save)} for spend, save in pairs]
    return promotion("save", "spend-and-save", {"tiers": steps, **config})


def tried(where, *promotions):
    outcome = evaluate(open_book(promotions, RULES), where, RuleRunner(), explain=True)
    unusable = [e for e in outcome.explanation if e.verdict in {"config-invalid", "rule-failed"}]
    assert unusable == []
    return outcome


def amounts(outcome):
    return [(a.source, a.amount.amount) for a in outcome.adjustments]


@pytest.mark.parametrize("per", ["order", "line"])
def test_25_pieces_of_3_99_less_10_per_cent(per):
    """99.75 less 9.975: rounded once, and not 25 times for each piece (vendure#3091)."""
    outcome = tried(basket(line("a", 399, 25)), percent("ten", 1000, per=per))
    assert amounts(outcome) == [("ten", -998)]
    assert outcome.basket.items_total == cny(8977)


def test_stacked_promotions_with_changing_context():
    """20 % on shirts brings the order below the tier that it would have reached before."""
    where = basket(line("shirt", 10000, 2, "shirts"), line("mug", 12000))
    shirts = percent("shirts", 2000, lane=100, per="line", scope=Scope(categories={"shirts"}))
    outcome = tried(where, shirts, tiers((20000, 1000), (30000, 4000)))
    assert amounts(outcome) == [("shirts", -4000), ("save", -1000)]
    assert outcome.basket.items_total == cny(27000)
    assert outcome.line_discounts() == {"shirt": cny(-4571), "mug": cny(-429)}


def test_two_order_level_percentages_where_one_invalidates_the_other():
    where = basket(line("a", 10000))
    first = percent("first", 5000, lane=200)
    second = percent("second", 1000, lane=300, minimum=cny(6000))
    outcome = tried(where, first, second)
    assert amounts(outcome) == [("first", -5000)]
    reasons = {e.promotion: e.reason["en"] for e in outcome.explanation}
    assert reasons["second"] == "Its conditions are not met. 10.00 CNY short of the minimum."
    assert amounts(tried(where, second)) == [("second", -1000)]


def test_correctly_handles_pro_ration_of_variants_with_0_price():
    where = basket(line("free", 0, 3), line("paid", 1001), line("also-free", 0))
    outcome = tried(where, percent("half", 5000))
    assert amounts(outcome) == [("half", -501)]
    assert outcome.line_discounts() == {
        "free": cny(0),
        "paid": cny(-501),
        "also-free": cny(0),
    }
    assert amounts(tried(basket(line("free", 0, 3)), percent("half", 5000))) == []


def test_prevents_negative_line_price():
    outcome = tried(
        basket(line("a", 100), line("b", 1)),
        percent("all", 10000, lane=100, per="line"),
        percent("again", 10000, lane=200, per="line"),
        tiers((1, 1)),
    )
    assert amounts(outcome) == [("all", -100), ("all", -1)]
    assert outcome.basket.items_total == cny(0)


def test_a_cap_is_split_over_the_lines():
    where = basket(line("a", 10000), line("b", 20000), line("c", 1))
    outcome = tried(where, percent("ten", 1000, per="line", at_most=cny(1000)))
    assert amounts(outcome) == [("ten", -333), ("ten", -667)]
    outcome = tried(where, percent("ten", 1000, at_most=cny(1000)))
    assert amounts(outcome) == [("ten", -1000)]


def test_a_minimum_quantity_counts_pieces():
    ten = percent("ten", 1000, minimum_quantity=3)
    assert amounts(tried(basket(line("a", 1000, 2)), ten)) == []
    assert amounts(tried(basket(line("a", 1000, 2), line("b", 1000)), ten)) == [("ten", -300)]


@pytest.mark.parametrize(
    ("total", "saved"),
    [(29999, 0), (30000, 4000), (49999, 4000), (50000, 8000), (999999, 8000)],
)
def test_spend_and_save_counts_the_highest_tier_reached(total, saved):
    outcome = tried(basket(line("a", total)), tiers((30000, 4000), (50000, 8000)))
    assert -outcome.discount.amount == saved


@pytest.mark.parametrize(
    ("total", "times", "saved"),
    [(9999, None, 0), (10000, None, 1000), (35000, None, 3000), (35000, 2, 2000)],
)
def test_spend_and_save_counts_every_full_amount(total, times, saved):
    more = {} if times is None else {"times": times}
    outcome = tried(basket(line("a", total)), tiers((10000, 1000), every=True, **more))
    assert -outcome.discount.amount == saved


def test_spend_and_save_is_split_over_the_lines_to_the_cent():
    outcome = tried(
        basket(line("a", 10000), line("b", 10000), line("c", 10000)), tiers((30000, 1000))
    )
    assert [s.amount.amount for s in outcome.adjustments[0].shares] == [-334, -333, -333]


def test_only_lines_in_scope_count_and_are_lowered():
    shirts = Scope(categories={"shirts"})
    where = basket(line("shirt", 9000, 1, "shirts"), line("mug", 90000))
    ten = percent("ten", 1000, minimum=cny(10000), scope=shirts)
    assert amounts(tried(where, ten)) == []
    outcome = tried(where, percent("ten", 1000, scope=shirts))
    assert outcome.line_discounts() == {"shirt": cny(-900), "mug": cny(0)}


def test_amounts_in_another_currency_never_count():
    where = PricedBasket(
        currency="EUR",
        now=NOW,
        lines=(
            BasketLine(
                id="a", sku="a", product_id=SPACE, quantity=1, unit_price=Money(99999, "EUR")
            ),
        ),
    )
    outcome = tried(where, percent("ten", 1000, minimum=cny(1)), tiers((1, 1)))
    assert amounts(outcome) == []
    assert {e.reason["en"] for e in outcome.explanation} == {
        "Its conditions are not met. It is for baskets in CNY."
    }

"""Which promotions count, in which order, and what they take off what."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from commercekit.promotions import AdjustmentKind, Scope
from tests.promotions.sample import NOW, amounts, basket, cny, line, promotion, tried, verdicts


def test_no_promotions_change_nothing():
    where = basket(line("a", 100))
    outcome = tried(where)
    assert outcome.adjustments == []
    assert outcome.basket is where
    assert outcome.discount == cny(0)


def test_an_empty_basket_gets_nothing():
    assert amounts(tried(basket(), promotion("ten", percent=10))) == []


def test_lanes_follow_each_other_on_what_the_lanes_before_left():
    outcome = tried(
        basket(line("a", 10000)),
        promotion("late", lane=300, percent=10),
        promotion("early", lane=100, percent=50),
    )
    assert amounts(outcome) == [("early", -5000), ("late", -500)]
    assert outcome.basket.items_total == cny(4500)


def test_in_one_lane_the_best_for_the_shopper_wins_the_order():
    outcome = tried(
        basket(line("a", 10000)),
        promotion("small", percent=10, priority=99),
        promotion("big", percent=20),
        explain=True,
    )
    assert amounts(outcome) == [("big", -2000)]
    assert verdicts(outcome) == {"big": ("applied", None), "small": ("beaten", "big")}


def test_equal_offers_go_to_the_higher_priority_then_to_the_code_that_sorts_first():
    where = basket(line("a", 1000))
    by_priority = tried(where, promotion("a", amount=100), promotion("b", amount=100, priority=1))
    assert amounts(by_priority) == [("b", -100)]
    by_code = tried(where, promotion("b", amount=100), promotion("a", amount=100))
    assert amounts(by_code) == [("a", -100)]


def test_each_line_goes_to_the_promotion_that_takes_most_off_it():
    outcome = tried(
        basket(line("cheap", 1000), line("dear", 10000)),
        promotion("flat", target="line", amount=200),
        promotion("share", target="line", percent=10),
    )
    assert sorted((a.source, a.line_id, a.amount.amount) for a in outcome.adjustments) == [
        ("flat", "cheap", -200),
        ("share", "dear", -1000),
    ]
    assert outcome.line_discounts() == {"cheap": cny(-200), "dear": cny(-1000)}


def test_a_lane_gives_to_lines_then_to_the_order_then_to_shipping():
    outcome = tried(
        basket(line("a", 1000), shipping=500),
        promotion("ship", target="shipping", percent=100),
        promotion("all", percent=10),
        promotion("each", target="line", percent=50),
    )
    assert [(a.source, a.kind, a.amount.amount) for a in outcome.adjustments] == [
        ("each", AdjustmentKind.LINE_DISCOUNT, -500),
        ("all", AdjustmentKind.ORDER_DISCOUNT, -50),
        ("ship", AdjustmentKind.SHIPPING_DISCOUNT, -500),
    ]
    assert outcome.basket.shipping == cny(0)
    assert outcome.adjustments[2].shares == ()


def test_two_order_level_percentages_where_one_invalidates_the_other():
    """order-calculator.spec: the first takes the total below what the second asks for."""
    where = basket(line("a", 10000))
    outcome = tried(
        where,
        promotion("first", lane=200, percent=50),
        promotion("second", lane=300, percent=10, minimum=6000),
        explain=True,
    )
    assert amounts(outcome) == [("first", -5000)]
    assert verdicts(outcome)["second"] == ("not-met", None)
    [second] = [e for e in outcome.explanation if e.promotion == "second"]
    assert second.reason["en"] == "Its conditions are not met. 1000 short."
    reversed_lanes = tried(
        where,
        promotion("first", lane=300, percent=50),
        promotion("second", lane=200, percent=10, minimum=6000),
    )
    assert amounts(reversed_lanes) == [("second", -1000), ("first", -4500)]


def test_receiving_stacked_promotions_with_changing_context():
    """Each of three is tried on what the ones before it left; the middle one stops the last."""
    outcome = tried(
        basket(line("a", 10000, quantity=2)),
        promotion("over-200", lane=100, amount=5000, minimum=20000),
        promotion("over-150", lane=200, amount=5000, minimum=15000),
        promotion("over-120", lane=300, amount=5000, minimum=12000),
    )
    assert amounts(outcome) == [("over-200", -5000), ("over-150", -5000)]
    assert outcome.basket.items_total == cny(10000)


def test_a_line_whose_best_offer_falls_away_goes_to_the_next():
    """Once "lead" has lowered its line, "fragile" is not met any more: "steady" gets the other."""
    outcome = tried(
        basket(line("x", 1000), line("y", 1000)),
        promotion("lead", target="line", amount=900, priority=9, scope=Scope(skus={"sku-x"})),
        promotion("fragile", target="line", amount=500, minimum=2000),
        promotion("steady", target="line", amount=100),
    )
    assert [(a.source, a.line_id, a.amount.amount) for a in outcome.adjustments] == [
        ("lead", "x", -900),
        ("steady", "y", -100),
    ]


def test_scope_limits_what_is_counted_and_what_is_lowered():
    where = basket(
        line("tea", 1000, categories=frozenset({"drinks"})),
        line("mug", 3000, brand="acme"),
        line("hat", 5000, tags=frozenset({"sale"})),
    )
    outcome = tried(where, promotion("p", percent=10, scope=Scope(categories={"drinks"})))
    assert outcome.line_discounts() == {"tea": cny(-100), "mug": cny(0), "hat": cny(0)}
    outcome = tried(where, promotion("p", percent=10, scope=Scope(brands={"acme"}, tags={"sale"})))
    assert outcome.line_discounts() == {"tea": cny(0), "mug": cny(-300), "hat": cny(-500)}
    product = where.lines[0].product_id
    outcome = tried(where, promotion("p", percent=10, scope=Scope(products={product})))
    assert outcome.line_discounts()["tea"] == cny(-100)
    outcome = tried(where, promotion("p", percent=10, scope=Scope(skus={"ghost"})), explain=True)
    assert amounts(outcome) == []
    assert verdicts(outcome) == {"p": ("out-of-scope", None)}


def test_prevents_negative_line_price():
    outcome = tried(
        basket(line("a", 300, quantity=2), line("b", 50)),
        promotion("much", target="line", amount=500),
        promotion("more", lane=300, target="line", amount=500),
    )
    assert outcome.line_discounts() == {"a": cny(-600), "b": cny(-50)}
    assert outcome.basket.items_total == cny(0)


def test_a_coupon_above_the_total_takes_the_total_and_no_more():
    outcome = tried(
        basket(line("a", 300), line("b", 200), shipping=100, coupons=("SAVE",)),
        promotion("coupon", amount=100_000, coupons=["SAVE"]),
    )
    assert amounts(outcome) == [("coupon", -500)]
    assert outcome.basket.items_total == cny(0)
    assert outcome.basket.shipping == cny(100)


def test_shipping_never_costs_less_than_nothing():
    outcome = tried(
        basket(line("a", 300), shipping=100), promotion("free", target="shipping", amount=900)
    )
    assert amounts(outcome) == [("free", -100)]
    assert outcome.line_discounts() == {"a": cny(0)}


def test_shipping_that_is_not_known_yet_gets_nothing():
    outcome = tried(basket(line("a", 300)), promotion("free", target="shipping", amount=900))
    assert amounts(outcome) == []


@pytest.mark.parametrize(
    ("prices", "amount", "shares"),
    [
        ([100, 100, 100], 100, [-34, -33, -33]),
        ([1, 1, 1], 2, [-1, -1, 0]),
        ([999, 1], 500, [-500, 0]),
        ([0, 500, 0, 500], 101, [0, -51, 0, -50]),
        ([0, 0], 100, [0, 0]),
        ([333], 333, [-333]),
        ([10, 20, 30], 60, [-10, -20, -30]),
    ],
)
def test_an_order_level_amount_is_prorated_to_the_cent(prices, amount, shares):
    """Lines that cost nothing get nothing of it, and all of them nothing if none costs anything."""
    lines = [line(str(n), price) for n, price in enumerate(prices)]
    outcome = tried(basket(*lines), promotion("off", amount=amount))
    assert [outcome.line_discounts()[each.id].amount for each in lines] == shares
    for adjustment in outcome.adjustments:
        assert sum(s.amount.amount for s in adjustment.shares) == adjustment.amount.amount


def test_an_exclusive_promotion_applies_alone():
    outcome = tried(
        basket(line("a", 10000)),
        promotion("alone", percent=5, exclusive=True),
        promotion("big", percent=50),
        promotion("other", lane=300, percent=10),
        explain=True,
    )
    assert amounts(outcome) == [("alone", -500)]
    assert verdicts(outcome) == {
        "alone": ("applied", None),
        "big": ("excluded", "alone"),
        "other": ("excluded", "alone"),
    }


def test_a_low_priority_exclusive_gives_way_to_a_high_priority_normal_one():
    promotions = [
        promotion("alone", percent=50, exclusive=True, priority=1),
        promotion("normal", percent=10, priority=2),
        promotion("other", lane=300, percent=10),
    ]
    outcome = tried(basket(line("a", 10000)), *promotions, explain=True)
    assert amounts(outcome) == [("normal", -1000), ("other", -900)]
    assert verdicts(outcome)["alone"] == ("excluded", "normal")


def test_an_exclusive_promotion_whose_conditions_are_not_met_excludes_nothing():
    outcome = tried(
        basket(line("a", 1000)),
        promotion("alone", percent=50, exclusive=True, minimum=5000),
        promotion("normal", percent=10),
        explain=True,
    )
    assert amounts(outcome) == [("normal", -100)]
    assert verdicts(outcome)["alone"] == ("not-met", None)


def test_of_several_exclusive_ones_the_priority_decides_then_the_shoppers_gain():
    where = basket(line("a", 1000))
    outcome = tried(
        where,
        promotion("x", percent=10, exclusive=True),
        promotion("y", percent=20, exclusive=True),
        promotion("z", percent=5, exclusive=True, priority=1),
    )
    assert amounts(outcome) == [("z", -50)]
    outcome = tried(
        where,
        promotion("x", percent=10, exclusive=True),
        promotion("y", percent=20, exclusive=True),
    )
    assert amounts(outcome) == [("y", -200)]


def test_the_period_includes_its_start_and_not_its_end():
    def applies(starts_in, ends_in):
        period = {
            "starts_at": NOW + timedelta(seconds=starts_in),
            "ends_at": NOW + timedelta(seconds=ends_in),
        }
        return bool(amounts(tried(basket(line("a", 100)), promotion("p", percent=10, **period))))

    assert applies(0, 1)
    assert applies(-1, 1)
    assert not applies(1, 2)
    assert not applies(-1, 0)


def test_a_promotion_that_is_switched_off_takes_no_part():
    outcome = tried(basket(line("a", 100)), promotion("p", percent=10, active=False), explain=True)
    assert amounts(outcome) == []
    assert verdicts(outcome) == {"p": ("not-on", None)}


def test_every_adjustment_says_where_it_comes_from():
    [adjustment] = tried(basket(line("a", 1000)), promotion("spring", percent=10)).adjustments
    assert adjustment.source == "spring"
    assert (adjustment.rule.rule, adjustment.rule.plugin, adjustment.rule.version) == (
        "off",
        "test-plugin",
        "1.2.3",
    )
    assert adjustment.label == {"en": "Spring", "zh": "spring"}
    assert adjustment.promotion_version == 1


@pytest.mark.parametrize("seed", range(25))
def test_any_mixture_keeps_the_sums_and_does_not_depend_on_the_order_it_came_in(seed):
    chance = random.Random(seed)
    where = basket(
        *(line(str(n), chance.randrange(5000), chance.randint(1, 4)) for n in range(6)),
        shipping=chance.randrange(900),
    )
    promotions = [
        promotion(
            f"p{n}",
            lane=chance.choice([100, 200, 300]),
            priority=chance.randint(0, 2),
            exclusive=chance.random() < 0.1,
            target=chance.choice(["line", "order", "shipping"]),
            amount=chance.randrange(1, 3000),
            percent=chance.choice([0, 0, 15, 60]),
            minimum=chance.choice([0, 4000, 20000]),
            scope=Scope(skus=set(chance.sample([f"sku-{n}" for n in range(6)], 3)))
            if chance.random() < 0.5
            else Scope(),
        )
        for n in range(8)
    ]
    outcome = tried(where, *promotions, explain=True)
    chance.shuffle(promotions)
    assert tried(where, *promotions, explain=True) == outcome
    left = outcome.basket
    assert all(each.total.amount >= 0 for each in left.lines)
    assert left.shipping.amount >= 0
    on_lines = sum(money.amount for money in outcome.line_discounts().values())
    assert left.items_total.amount == where.items_total.amount + on_lines
    assert (
        left.items_total.amount + left.shipping.amount
        == where.items_total.amount + where.shipping.amount + outcome.discount.amount
    )
    for adjustment in outcome.adjustments:
        assert adjustment.amount.amount < 0
        if adjustment.kind is not AdjustmentKind.SHIPPING_DISCOUNT:
            assert sum(s.amount.amount for s in adjustment.shares) == adjustment.amount.amount
    assert {e.promotion for e in outcome.explanation} == {p.code for p in promotions}
    applied = {e.promotion for e in outcome.explanation if e.verdict == "applied"}
    assert applied == {a.source for a in outcome.adjustments}

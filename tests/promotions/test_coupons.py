from __future__ import annotations

from datetime import timedelta

from commercekit.promotions import CouponStatus
from tests.promotions.sample import NOW, amounts, basket, line, promotion, tried, verdicts


def messages(outcome):
    return [(message.coupon, message.code) for message in outcome.messages]


def test_a_coupon_opens_its_promotion():
    save = promotion("save", percent=10, coupons=["SAVE10"])
    with_it = tried(basket(line("a", 1000), coupons=("SAVE10",)), save)
    assert amounts(with_it) == [("save", -100)]
    assert with_it.adjustments[0].coupon == "SAVE10"
    assert messages(with_it) == [("SAVE10", CouponStatus.APPLIED)]
    without = tried(basket(line("a", 1000)), save, explain=True)
    assert amounts(without) == []
    assert messages(without) == []
    assert verdicts(without) == {"save": ("coupon-missing", None)}


def test_coupon_code_application_is_case_sensitive():
    outcome = tried(
        basket(line("a", 1000), coupons=("save10",)),
        promotion("save", percent=10, coupons=["SAVE10"]),
    )
    assert amounts(outcome) == []
    assert messages(outcome) == [("save10", CouponStatus.UNKNOWN)]
    assert outcome.messages[0].text == {
        "en": "There is no coupon save10.",
        "zh": "优惠码 save10 不存在。",
    }


def test_a_code_given_twice_counts_once():
    outcome = tried(
        basket(line("a", 1000), coupons=("SAVE10", "SAVE10")),
        promotion("save", percent=10, coupons=["SAVE10"]),
    )
    assert amounts(outcome) == [("save", -100)]
    assert messages(outcome) == [("SAVE10", CouponStatus.APPLIED)]


def test_any_of_its_codes_opens_a_promotion():
    save = promotion("save", percent=10, coupons=["ONE", "TWO"])
    outcome = tried(basket(line("a", 1000), coupons=("TWO", "ONE")), save)
    assert amounts(outcome) == [("save", -100)]
    assert outcome.adjustments[0].coupon == "TWO"


def test_a_coupon_that_has_expired_or_is_not_valid_yet_says_so():
    hour = timedelta(hours=1)
    outcome = tried(
        basket(line("a", 1000), coupons=("OLD", "NEW", "OFF")),
        promotion("old", percent=10, coupons=["OLD"], ends_at=NOW),
        promotion("new", percent=10, coupons=["NEW"], starts_at=NOW + hour),
    )
    assert amounts(outcome) == []
    assert messages(outcome) == [
        ("OLD", CouponStatus.EXPIRED),
        ("NEW", CouponStatus.NOT_YET),
        ("OFF", CouponStatus.UNKNOWN),
    ]


def test_a_coupon_that_changes_nothing_here_says_so():
    outcome = tried(
        basket(line("a", 1000), coupons=("BIG", "SMALL")),
        promotion("big", percent=20, coupons=["BIG"], minimum=5000),
        promotion("small", percent=10, coupons=["SMALL"]),
        promotion("best", percent=30),
    )
    assert amounts(outcome) == [("best", -300)]
    assert messages(outcome) == [
        ("BIG", CouponStatus.WITHOUT_EFFECT),
        ("SMALL", CouponStatus.WITHOUT_EFFECT),
    ]


def test_what_a_coupon_says_cannot_change_the_sentence():
    outcome = tried(basket(line("a", 1000), coupons=("{code.__class__}",)))
    assert outcome.messages[0].text["en"] == "There is no coupon {code.__class__}."

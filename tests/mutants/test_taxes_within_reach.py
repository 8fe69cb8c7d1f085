"""Tax rates for staff who are limited to markets: what ``make mutants`` tries those rules against."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from commercekit.errors import Forbidden
from commercekit.platform.security import EVERYWHERE, Reach
from commercekit.pricing.rules import beyond_limit, is_taxed_in, is_taxed_only_in
from tests.mutants.test_quotes_without_a_shop import market

CHINA = replace(market(), code="cn", countries=("CN",))
EUROPE = replace(market(), code="eu", countries=("DE", "FR"))
WORLD = replace(market(), code="world", countries=("CN", "US"))
ALL = [CHINA, EUROPE, WORLD]


def reaching(*codes: str) -> Reach:
    return Reach(markets=frozenset(codes))


@pytest.mark.parametrize(
    ("country", "reach", "counts", "alone"),
    [
        ("DE", reaching("eu"), True, True),
        ("FR", reaching("eu", "cn"), True, True),
        ("CN", reaching("cn"), True, False),
        ("CN", reaching("cn", "world"), True, True),
        ("US", reaching("world"), True, True),
        ("DE", reaching("cn"), False, False),
        ("JP", reaching("cn", "eu", "world"), False, False),
        ("CN", reaching(), False, False),
        ("JP", EVERYWHERE, True, True),
        ("CN", EVERYWHERE, True, True),
    ],
)
def test_a_countrys_rates_are_those_of_the_markets_that_deliver_there(
    country: str, reach: Reach, *, counts: bool, alone: bool
) -> None:
    assert is_taxed_in(country, ALL, reach) is counts
    assert is_taxed_only_in(country, ALL, reach) is alone


def test_who_would_price_beyond_the_limit_is_told_so() -> None:
    refusal = beyond_limit()
    assert isinstance(refusal, Forbidden)
    assert str(refusal) == "You price within a limit, and this is beyond it."

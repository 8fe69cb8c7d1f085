"""The contract of allocation strategies, proven: a good one keeps it, every way to break it is named."""

from __future__ import annotations

import pytest

from commercekit.testing.conformance import ALLOCATION_STRATEGY_RULES
from tests.testing.proving import faults, rules_without_a_test
from tests.testing.sample_strategies import BROKEN, GoodContract, GoodStrategy, MostStock


@pytest.mark.parametrize("kind", [GoodStrategy, MostStock])
async def test_a_good_strategy_breaks_no_rule(kind):
    assert await faults(GoodContract(), strategy=kind) == {}


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
async def test_a_broken_strategy_is_caught_by_the_rule_it_breaks(kind):
    found = await faults(GoodContract(), strategy=kind)
    assert set(found) == BROKEN[kind], found


def test_every_rule_was_broken_once():
    assert set().union(*BROKEN.values()) == set(ALLOCATION_STRATEGY_RULES)


def test_every_rule_has_a_reason_and_a_test_that_says_its_name():
    assert rules_without_a_test(GoodContract(), ALLOCATION_STRATEGY_RULES) == []
    assert all(len(reason) > 20 for reason in ALLOCATION_STRATEGY_RULES.values())

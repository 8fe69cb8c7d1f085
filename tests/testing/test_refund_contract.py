"""The contract of refund rules, proven: a good one keeps it, and every way to break it is named."""

from __future__ import annotations

import pytest

from commercekit.testing.conformance import REFUND_RULE_RULES
from tests.testing.proving import faults, rules_without_a_test
from tests.testing.sample_refunds import BROKEN, GoodContract, GoodRule


async def test_a_good_rule_breaks_no_rule():
    assert await faults(GoodContract(), rule=GoodRule) == {}


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
async def test_a_broken_rule_is_caught_by_the_rule_it_breaks(kind):
    found = await faults(GoodContract(), rule=kind)
    assert set(found) == BROKEN[kind], found


def test_every_rule_was_broken_once():
    assert set().union(*BROKEN.values()) == set(REFUND_RULE_RULES)


def test_every_rule_has_a_reason_and_a_test_that_says_its_name():
    assert rules_without_a_test(GoodContract(), REFUND_RULE_RULES) == []
    assert all(len(reason) > 20 for reason in REFUND_RULE_RULES.values())

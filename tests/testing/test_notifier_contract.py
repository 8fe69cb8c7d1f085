"""The contract of notifiers, proven: a good one keeps it, and every way to break it is named."""

from __future__ import annotations

import pytest

from commercekit.testing.conformance import NOTIFIER_RULES
from tests.testing.proving import faults, rules_without_a_test
from tests.testing.sample_notifiers import BROKEN, GoodContract, GoodNotifier, Post


async def test_a_good_notifier_breaks_no_rule():
    assert await faults(GoodContract(), notifier=GoodNotifier, outbox=Post) == {}


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
async def test_a_broken_notifier_is_caught_by_the_rule_it_breaks(kind):
    found = await faults(GoodContract(), notifier=kind, outbox=Post)
    assert set(found) == BROKEN[kind], found


def test_every_rule_was_broken_once():
    assert set().union(*BROKEN.values()) == set(NOTIFIER_RULES)


def test_every_rule_has_a_reason_and_a_test_that_says_its_name():
    assert rules_without_a_test(GoodContract(), NOTIFIER_RULES) == []
    assert all(len(reason) > 20 for reason in NOTIFIER_RULES.values())

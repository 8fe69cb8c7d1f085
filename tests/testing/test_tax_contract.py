"""The contract of sources of tax rates, proven: a good one keeps it, every way to break it is named."""

from __future__ import annotations

import pytest

from commercekit.testing.conformance import TAX_PROVIDER_RULES
from tests.testing.proving import faults, rules_without_a_test
from tests.testing.sample_taxes import BROKEN, GoodContract, GoodTaxes


async def test_a_good_provider_breaks_no_rule():
    assert await faults(GoodContract(), provider=GoodTaxes) == {}


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
async def test_a_broken_provider_is_caught_by_the_rule_it_breaks(kind):
    found = await faults(GoodContract(), provider=kind)
    assert set(found) == BROKEN[kind], found


def test_every_rule_was_broken_once():
    assert set().union(*BROKEN.values()) == set(TAX_PROVIDER_RULES)


def test_every_rule_has_a_reason_and_a_test_that_says_its_name():
    assert rules_without_a_test(GoodContract(), TAX_PROVIDER_RULES) == []
    assert all(len(reason) > 20 for reason in TAX_PROVIDER_RULES.values())

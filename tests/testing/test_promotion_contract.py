"""The contract of promotion rules, proven: a good one keeps it, and every way to break it is named."""

from __future__ import annotations

import pytest

from commercekit.testing.conformance import PROMOTION_RULE_RULES
from tests.testing.proving import faults, rules_without_a_test
from tests.testing.sample_promotions import BROKEN, GoodContract, GoodRule, RoundsDown


async def test_a_good_rule_breaks_no_rule():
    assert await faults(GoodContract(), rule=GoodRule) == {}


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
async def test_a_broken_rule_is_caught_by_the_rule_it_breaks(kind):
    found = await faults(GoodContract(), rule=kind)
    assert set(found) == BROKEN[kind], found


async def test_a_version_that_answers_otherwise_is_caught_by_what_was_recorded(
    tmp_path, monkeypatch
):
    contract = GoodContract()
    contract.replays = tmp_path / "good.json"
    assert set(await faults(contract, rule=GoodRule)) == {"replays-the-same"}  # nothing yet
    monkeypatch.setenv("COMMERCEKIT_RECORD_REPLAYS", "1")
    assert await faults(contract, rule=GoodRule) == {}
    recorded = contract.replays.read_bytes()
    assert set(await faults(contract, rule=RoundsDown)) == {"replays-the-same"}
    assert contract.replays.read_bytes() == recorded
    monkeypatch.delenv("COMMERCEKIT_RECORD_REPLAYS")
    assert set(await faults(contract, rule=RoundsDown)) == {"replays-the-same"}
    assert await faults(contract, rule=GoodRule) == {}


def test_every_rule_was_broken_once():
    assert set().union(*BROKEN.values()) | {"replays-the-same"} == set(PROMOTION_RULE_RULES)


def test_every_rule_has_a_reason_and_a_test_that_says_its_name():
    assert rules_without_a_test(GoodContract(), PROMOTION_RULE_RULES) == []
    assert all(len(reason) > 20 for reason in PROMOTION_RULE_RULES.values())

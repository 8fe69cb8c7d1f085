"""The contract of vaults, proven: a good one keeps it, and every way to break it is named."""

from __future__ import annotations

import pytest

from commercekit.testing.conformance import KEY_VAULT_RULES
from tests.platform.security.sample_vaults import BROKEN, GoodContract, GoodVault
from tests.testing.proving import faults, rules_without_a_test


async def test_a_good_vault_breaks_no_rule():
    assert await faults(GoodContract(), vault=GoodVault) == {}


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
async def test_a_broken_vault_is_caught_by_the_rule_it_breaks(kind):
    found = await faults(GoodContract(), vault=kind)
    assert set(found) == BROKEN[kind], found


def test_every_rule_was_broken_once():
    assert set().union(*BROKEN.values()) == set(KEY_VAULT_RULES)


def test_every_rule_has_a_reason_and_a_test_that_says_its_name():
    assert rules_without_a_test(GoodContract(), KEY_VAULT_RULES) == []
    assert all(len(reason) > 20 for reason in KEY_VAULT_RULES.values())


class TestInherited(GoodContract):
    """As a plugin's own suite runs it."""

    @pytest.fixture
    def vault(self):
        return GoodVault()

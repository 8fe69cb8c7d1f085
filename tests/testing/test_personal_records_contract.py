"""The contract of what keeps something about people, proven: good records keep it, bad ones are named."""

from __future__ import annotations

import pytest

from commercekit.testing import core_piccolo_apps
from commercekit.testing.conformance import PERSONAL_RECORDS_RULES
from tests.app.wishes import APP, TABLE
from tests.testing.proving import faults, rules_without_a_test
from tests.testing.sample_records import BROKEN, GoodContract, made


@pytest.fixture(scope="session")
def piccolo_apps():
    return [*core_piccolo_apps("platform"), APP]


@pytest.fixture
def invariants():
    """Some of the samples keep nothing sealed."""
    return ()


async def test_broken_records_are_caught_by_the_rule_they_break(database):
    for kind, broken in BROKEN.items():
        records = await made(kind, database)
        found = await faults(GoodContract(), records=records, database=database)
        assert set(found) == broken, (kind.__name__, found)
        await database.execute(f"DELETE FROM {TABLE}")


def test_every_rule_was_broken_once():
    assert set().union(*BROKEN.values()) == set(PERSONAL_RECORDS_RULES)


def test_every_rule_has_a_reason_and_a_test_that_says_its_name():
    assert rules_without_a_test(GoodContract(), PERSONAL_RECORDS_RULES) == []
    assert all(len(reason) > 20 for reason in PERSONAL_RECORDS_RULES.values())


class TestInherited(GoodContract):
    """As a plugin's own suite runs it."""

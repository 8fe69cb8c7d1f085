"""A test that leaves broken books behind fails, although it asserted nothing about them."""

from __future__ import annotations

import textwrap

pytest_plugins = ["pytester"]

CONFTEST = """
    import pytest
    from commercekit.platform.db import Invariant

    @pytest.fixture(scope="session")
    def piccolo_apps():
        return []

    @pytest.fixture
    def invariants():
        return [Invariant("positive", "Every number is positive.", "SELECT n FROM number WHERE n < 0")]
"""
TESTS = """
    import pytest

    async def test_in_order(database):
        await database.execute("CREATE TABLE number AS SELECT 1 AS n")

    async def test_broken(database):
        await database.execute("CREATE TABLE number AS SELECT -1 AS n")

    @pytest.mark.breaks_the_books
    async def test_broken_on_purpose(database):
        await database.execute("CREATE TABLE number AS SELECT -1 AS n")
"""


def test_broken_books_fail_a_test_unless_they_are_its_subject(pytester):
    pytester.makeconftest(textwrap.dedent(CONFTEST))
    pytester.makepyfile(textwrap.dedent(TESTS))
    pytester.makeini("[pytest]\nasyncio_mode = auto\n")
    outcome = pytester.runpytest_subprocess("--strict-markers", "-p", "no:cacheprovider")
    outcome.assert_outcomes(passed=3, errors=1)
    outcome.stdout.fnmatch_lines(["positive: Every number is positive. Broken by n=-1."])

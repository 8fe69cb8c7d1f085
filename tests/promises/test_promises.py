"""The page of promises says what was seen, and nothing else."""

from __future__ import annotations

import json
import re

import pytest

from tests.promises.catalogue import LATEST, catalogue, marked_tests
from tests.promises.record import Record

pytest_plugins = ["pytester"]

TESTED = """
    import pytest

    @pytest.mark.promise("R12")
    @pytest.mark.parametrize("round", range(2))
    def test_the_last_one(round, profile, figure):
        figure("rounds", profile.times(quick=3, full=40))
        assert round == 0

    def test_of_nothing_promised():
        pass
"""
CONFTEST = 'pytest_plugins = ["tests.promises.plugin"]\n'


@pytest.fixture
def run(pytester, monkeypatch):
    """A run of its own, which records to a file of its own."""
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nmarkers =\n  promise: proves one\n")
    latest = pytester.path / "latest.json"
    monkeypatch.setattr("tests.promises.plugin.LATEST", latest)

    def go(test, *options):
        pytester.makepyfile(test_it=test)
        done = pytester.runpytest_inprocess("-p", "no:commercekit", "-p", "no:asyncio", *options)
        return done, json.loads(latest.read_text())["tests"] if latest.exists() else {}

    return go


def test_a_run_records_the_marked_tests_with_their_figures_and_no_others(run):
    done, recorded = run(TESTED, "--record-promises", "--faults", "full")
    done.assert_outcomes(passed=2, failed=1)
    (name,) = recorded
    assert name.endswith("test_it.py::test_the_last_one")
    seen = recorded[name]
    assert (seen["promises"], seen["profile"]) == (["R12"], "full")
    assert (seen["passed"], seen["failed"]) == (1, 1)
    assert seen["figures"] == {"rounds": 40}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", seen["date"])


def test_nothing_is_recorded_unless_asked_for(run):
    done, recorded = run(TESTED)
    done.assert_outcomes(passed=2, failed=1)
    assert recorded == {}


def test_a_promise_that_nobody_made_stops_the_run(run):
    done, _ = run(TESTED.replace("R12", "R999"))
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*there is no promise 'R999' in the catalogue*"])


def test_what_another_run_saw_is_kept_until_it_is_seen_again(tmp_path):
    latest = tmp_path / "latest.json"
    for name, passed in (("a", True), ("b", True), ("a", False)):
        record = Record("quick")
        record.add(f"t.py::{name}", ["R1"], passed=passed, seconds=1.0, figures={})
        record.write(latest)
    tests = json.loads(latest.read_text())["tests"]
    assert {name: (seen["passed"], seen["failed"]) for name, seen in tests.items()} == {
        "t.py::a": (0, 1),
        "t.py::b": (1, 0),
    }


def test_every_promise_is_told_in_both_languages_and_every_tested_one_says_how():
    for number, promise in catalogue().items():
        assert re.search(r"[一-鿿]", promise["zh"]), number
        tried = (promise["tried_en"], promise["tried_zh"])
        assert all(tried) == any(tried), number
        assert (promise["part"] == "open") == (tried == ("", "")), number


def test_what_is_called_untested_has_no_test_and_every_mark_names_a_promise():
    marked = marked_tests()
    assert set(marked) <= set(catalogue())
    assert [n for n, one in catalogue().items() if one["part"] == "open" and n in marked] == []


def test_the_record_names_only_tests_that_are_there():
    there = {test for tests in marked_tests().values() for test in tests}
    recorded = json.loads(LATEST.read_text()) if LATEST.exists() else {"tests": {}}
    assert [name for name in recorded["tests"] if name not in there] == []

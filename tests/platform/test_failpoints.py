"""Failpoints do nothing unless the environment names them when the process starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from commercekit.platform.failpoints import VARIABLE, FailpointReached, failpoint, watching

REACH = "from commercekit.platform.failpoints import failpoint; failpoint('a.b'); print('went on')"


@pytest.mark.parametrize(
    ("told", "code", "written"),
    [
        ("", 0, "went on\n"),
        ("a.c=exit137", 0, "went on\n"),
        ("a.b", 0, "went on\n"),
        ("a.b=exit137", 137, ""),
        ("a.c=raise,a.b=exit137", 137, ""),
        ("a.b=raise", 1, ""),
    ],
)
def test_a_process_dies_where_it_was_told_to(told: str, code: int, written: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", REACH],
        env={**os.environ, VARIABLE: told},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, written)
    assert ("FailpointReached: a.b" in done.stderr) is (code == 1)


def test_only_the_first_to_come_is_killed(tmp_path: Path) -> None:
    environ = {**os.environ, VARIABLE: f"a.c=raise,*=kill-once:{tmp_path}"}

    def reach() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", REACH], env=environ, capture_output=True, text=True, check=False
        )

    assert (reach().returncode, [path.name for path in tmp_path.iterdir()]) == (-9, ["a.b"])
    again = reach()
    assert (again.returncode, again.stdout) == (0, "went on\n")


def test_without_the_variable_nothing_happens() -> None:
    failpoint("checkout.placed")


def test_a_watcher_hears_of_every_failpoint_while_it_watches() -> None:
    heard: list[str] = []
    inner: list[str] = []
    with watching(heard.append):
        failpoint("a")
        with watching(inner.append):
            failpoint("b")
        failpoint("c")
    failpoint("d")
    assert (heard, inner) == (["a", "c"], ["b"])


def test_a_watcher_may_let_the_process_fail() -> None:
    def crash(name: str) -> None:
        raise FailpointReached(name)

    with pytest.raises(FailpointReached, match="^here$"), watching(crash):
        failpoint("here")
    failpoint("here")

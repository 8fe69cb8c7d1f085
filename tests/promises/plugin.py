"""For pytest: the profile of fault tests, and a record of what each run saw of the promises.

A test says which promise it proves, ``@pytest.mark.promise("R12")``, and how often it tries from the
``profile`` of the run: a few times at each change, many times in ``make test-faults``. With
``--record-promises`` the run writes what it saw into ``latest.json``; the page of promises shows it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pytest

from tests.promises.catalogue import LATEST, catalogue
from tests.promises.record import Record

__all__ = ["Figure", "Profile"]

VARIABLE: Final = "COMMERCEKIT_FAULTS"
_PROMISE: Final = "promise"
_FIGURE: Final = "figure"
_record = pytest.StashKey[Record]()

Figure = Callable[[str, float | str], None]


@dataclass(frozen=True)
class Profile:
    """How hard the shop is tried: ``quick`` at each change, ``full`` in ``make test-faults``."""

    name: Literal["quick", "full"]

    @property
    def is_full(self) -> bool:
        """Whether there is time."""
        return self.name == "full"

    def times(self, quick: int, full: int) -> int:
        """How often something is tried."""
        return full if self.is_full else quick


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("promises")
    group.addoption(
        "--faults",
        choices=["quick", "full"],
        default=os.environ.get(VARIABLE, "quick"),
        help="how often and how long the tests of promises break things "
        f"(or {VARIABLE}; default: quick)",
    )
    group.addoption(
        "--record-promises",
        action="store_true",
        help=f"write what was seen of the promises into {LATEST.name}; `make reference` makes the page",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--record-promises") and not hasattr(config, "workerinput"):
        config.stash[_record] = Record(config.getoption("--faults"))


def pytest_report_header(config: pytest.Config) -> str:
    return f"faults: {config.getoption('--faults')} profile"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each test carry its promises along, to wherever the run is reported."""
    for item in items:
        for mark in item.iter_markers(_PROMISE):
            for promise in mark.args:
                if promise not in catalogue():
                    message = f"{item.nodeid}: there is no promise {promise!r} in the catalogue"
                    raise pytest.UsageError(message)
                item.user_properties.append((_PROMISE, promise))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if _reporting is None or not (report.when == "call" or report.failed):
        return
    promises = [str(told) for name, told in report.user_properties if name == _PROMISE]
    figures = [told for name, told in report.user_properties if name == _FIGURE]
    if promises:
        _reporting.add(
            report.nodeid,
            promises,
            passed=report.passed,
            seconds=report.duration,
            figures=dict(figures),  # type: ignore[arg-type]  # pairs, see the fixture
        )


_reporting: Record | None = None


def pytest_sessionstart(session: pytest.Session) -> None:
    global _reporting  # noqa: PLW0603 - reports come without the session that they belong to
    _reporting = session.config.stash.get(_record, None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    record = session.config.stash.get(_record, None)
    if record is not None:
        record.write(Path(LATEST))


@pytest.fixture(scope="session")
def profile(request: pytest.FixtureRequest) -> Profile:
    """How hard this run tries the shop."""
    return Profile(request.config.getoption("--faults"))


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """``figure("s until it answers again", 1.7)``: what was measured on the way, for the page."""

    def note(name: str, value: float | str) -> None:
        said = round(value, 2) if isinstance(value, float) else value
        request.node.user_properties.append((_FIGURE, (name, said)))

    return note

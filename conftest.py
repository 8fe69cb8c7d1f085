"""For all tests, of the core and of the plugins: material that lies beside the repository.

Some tests read files that are too large or not ours to keep here: real products, order lines, the
vectors of providers. They live in modules named ``test_shared_*.py`` and are collected when the
folder is there: ``../shared``, or what ``COMMERCEKIT_SHARED`` names. The run prints which were not.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.promises.plugin"]

ROOT = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("COMMERCEKIT_SHARED", ROOT.parent / "shared"))

_left_out = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_left_out] = []
    # How long an example takes says how busy the machine is, and nothing about the shop.
    settings.register_profile(
        "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("patient")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the modules that need the shared material when it is not there."""
    if not collection_path.name.startswith("test_shared_") or SHARED.is_dir():
        return None
    config.stash[_left_out].append(str(collection_path.relative_to(ROOT)))
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    left_out = sorted(terminalreporter.config.stash[_left_out])
    if left_out:
        terminalreporter.section("not collected")
        terminalreporter.line(f"There is no {SHARED.name}/ beside the repository, hence without:")
        for path in left_out:
            terminalreporter.line(f"  {path}")


@pytest.fixture(autouse=True)
def _logging_stays_as_it_was() -> Iterator[None]:
    """A command that a test calls sets up the process's logging, and the next test looks at the log."""
    root = logging.getLogger()
    before = root.level, root.handlers[:], root.manager.disable
    yield
    if before != (root.level, root.handlers, root.manager.disable):
        root.setLevel(before[0])
        root.handlers[:] = before[1]
        logging.disable(before[2])


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared material; only ``test_shared_*.py`` may ask for it."""
    return SHARED

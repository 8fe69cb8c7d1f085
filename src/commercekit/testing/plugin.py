"""The pytest plugin: a database of its own for every test, servers, a clock to turn, races to stage.

Installed with the package; pytest loads it by itself. Nothing starts before a test asks for it.
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
import pytest_asyncio

from commercekit.platform.db import Database, Invariant, invariants_of
from commercekit.testing.clock import ManualClock
from commercekit.testing.databases import TestServer, core_piccolo_apps
from commercekit.testing.race import Race
from commercekit.testing.services import installed_versions
from commercekit.testing.services.fixtures import (
    cache_server,
    cache_url,
    rabbit_server,
    rabbit_url,
)
from commercekit.testing.summary import verdict_lines

__all__ = ["cache_server", "cache_url", "rabbit_server", "rabbit_url"]

_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known that `--strict-markers` asks for."""
    config.addinivalue_line(
        "markers", "breaks_the_books: leaves a database behind that no audit would pass"
    )


def pytest_report_header() -> list[str]:
    """Which servers the fixtures would start here; none was started to find out."""
    versions = installed_versions()
    return [f"services: {', '.join(versions)}"] if versions else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which rules of conformance kits were not asked, and why: they passed without being kept."""
    reports = [report for each in terminalreporter.stats.values() for report in each]
    lines = verdict_lines(reports)
    if lines:
        terminalreporter.section("rules of conformance that were not asked")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def piccolo_apps() -> Sequence[str]:
    """The Piccolo apps whose tables a test's database has: all of the core's.

    A plugin with tables of its own overrides it in its ``conftest.py``, with ``scope="session"``::

        @pytest.fixture(scope="session")
        def piccolo_apps(piccolo_apps):
            return [*piccolo_apps, "commercekit_acme.piccolo_app"]
    """
    return core_piccolo_apps()


@pytest.fixture(scope="session")
def postgres() -> Iterator[TestServer]:
    """One embedded PostgreSQL for the whole run, shared by the workers of pytest-xdist."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or secrets.token_hex(8)
    server = TestServer(run)
    server.start()
    yield server
    server.close()


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at the present second until ``clock.advance(minutes=30)``."""
    return ManualClock()


@pytest.fixture
def invariants(piccolo_apps: Sequence[str]) -> Sequence[Invariant]:
    """What must hold in the test's database when the test is over: all that its apps promise."""
    return invariants_of(piccolo_apps)


@pytest.fixture
def dsn(
    request: pytest.FixtureRequest,
    postgres: TestServer,
    piccolo_apps: Sequence[str],
    invariants: Sequence[Invariant],
) -> Iterator[str]:
    """The DSN of a database of the test's own, migrated and empty; it is gone afterwards.

    After the test the books are audited, and any invariant that was broken fails it. A test that
    breaks them on purpose says so: ``@pytest.mark.breaks_the_books``.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"test_{worker}_{os.getpid()}_{next(_numbers)}"
    address = postgres.create(name, piccolo_apps)
    try:
        yield address
        if request.node.get_closest_marker("breaks_the_books") is None:
            breaches = postgres.audit(address, invariants)
            if breaches:
                pytest.fail("\n".join(str(breach) for breach in breaches), pytrace=False)
    finally:
        postgres.drop(name)


@pytest_asyncio.fixture
async def database(dsn: str, clock: ManualClock) -> AsyncIterator[Database]:
    """The test's database, open, with the test's clock."""
    opened = Database(dsn, clock=clock)
    await opened.open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def race() -> AsyncIterator[Race]:
    """Stages deterministic races, ``race.before("package.module.function", rival)``.

    The test fails when a race that it staged never took place.
    """
    staged = Race()
    yield staged
    await staged.finish()

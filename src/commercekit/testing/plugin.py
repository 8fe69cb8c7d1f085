"""The pytest plugin: a database of its own for every test, a clock to turn, races to stage.

Installed with the package; pytest loads it by itself. Nothing starts before a test asks for it.
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
import pytest_asyncio

from commercekit.platform.db import Database
from commercekit.testing.clock import ManualClock
from commercekit.testing.databases import TestServer, core_piccolo_apps
from commercekit.testing.race import Race

_numbers = itertools.count(1)


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
def dsn(postgres: TestServer, piccolo_apps: Sequence[str]) -> Iterator[str]:
    """The DSN of a database of the test's own, migrated and empty; it is gone afterwards."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"test_{worker}_{os.getpid()}_{next(_numbers)}"
    yield postgres.create(name, piccolo_apps)
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

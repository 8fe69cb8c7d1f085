"""The servers as fixtures of the pytest plugin. None starts before a test asks for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from commercekit.testing.services.cache import CacheServer
from commercekit.testing.services.programs import MissingPrograms
from commercekit.testing.services.rabbit import RabbitServer

__all__ = ["cache_server", "cache_url", "rabbit_server", "rabbit_url"]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def rabbit_server() -> Iterator[RabbitServer]:
    """One RabbitMQ for the whole run, each worker of pytest-xdist its own.

    A test that kills, stops or pauses it has to put it right before it ends, or makes a
    ``RabbitServer`` of its own.
    """
    try:
        server = RabbitServer()
    except MissingPrograms as missing:
        pytest.fail(str(missing), pytrace=False)
    server.start()
    yield server
    server.close()


@pytest.fixture
def rabbit_url(rabbit_server: RabbitServer) -> Iterator[str]:
    """The URL of an empty virtual host of the test's own; it is gone afterwards with all its queues."""
    name = f"test{next(_numbers)}"
    yield rabbit_server.create_vhost(name)
    if rabbit_server.pid is not None:
        rabbit_server.delete_vhost(name)


@pytest.fixture(scope="session")
def cache_server() -> Iterator[CacheServer]:
    """One Valkey (or Redis) for the whole run, each worker of pytest-xdist its own.

    A test that kills, stops or pauses it has to put it right before it ends, or makes a
    ``CacheServer`` of its own.
    """
    try:
        server = CacheServer()
    except MissingPrograms as missing:
        pytest.fail(str(missing), pytrace=False)
    server.start()
    yield server
    server.close()


@pytest.fixture
def cache_url(cache_server: CacheServer) -> str:
    """The URL of an empty numbered database that no test before used; channels are the server's."""
    number = next(_numbers) % (cache_server.databases - 1) + 1
    cache_server.flush(number)
    return cache_server.url_of(number)

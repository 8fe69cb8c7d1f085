"""Webhooks without a shop: a bus, jobs, three facts about doors and bells, and receivers of tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import httpx
import msgspec
import pytest
import pytest_asyncio

from commercekit.kernel import DomainEvent, PageRequest
from commercekit.platform.bus import Bus
from commercekit.platform.db import Database
from commercekit.platform.http import Reach, outbound_client
from commercekit.platform.jobs import Jobs
from commercekit.platform.security import MasterKey, Principal, Sealer
from commercekit.platform.webhooks import (
    SEALED,
    Deliveries,
    EndpointRepository,
    NewEndpoint,
    WebhookEndpointDisabled,
    WebhookService,
    WebhookSettings,
    job_kinds,
    subscriptions,
)
from commercekit.testing.clock import ManualClock
from tests.receiver import Receiver

STAFF = Principal.system("test")
ALL = PageRequest(100)


class DoorOpened(DomainEvent, frozen=True, kw_only=True):
    """A door was opened."""

    aggregate: ClassVar[str] = "door"
    id_field: ClassVar[str] = "door_id"
    door_id: UUID
    by: str = ""


class DoorClosed(DomainEvent, frozen=True, kw_only=True):
    """A door was closed."""

    aggregate: ClassVar[str] = "door"
    id_field: ClassVar[str] = "door_id"
    door_id: UUID


class BellRung(DomainEvent, frozen=True, kw_only=True):
    """Somebody is there."""

    aggregate: ClassVar[str] = "bell"
    id_field: ClassVar[str] = "bell_id"
    bell_id: UUID


FACTS: dict[str, type[DomainEvent]] = {
    kind.type_name(): kind for kind in (DoorOpened, DoorClosed, BellRung, WebhookEndpointDisabled)
}


@dataclass
class Hooks:
    """Everything that webhooks take, and what a test does with it."""

    database: Database
    clock: ManualClock
    bus: Bus
    jobs: Jobs
    deliveries: Deliveries
    service: WebhookService
    audited: list[Any]
    told: list[Any]
    http: httpx.AsyncClient = field(repr=False)

    async def add(self, url: str, *events: str, **more: Any) -> Any:
        """An endpoint, with its secret."""
        new = NewEndpoint(url=url, events=list(events or ("door.*",)), **more)
        return await self.service.create(STAFF, new)

    async def tell(self, *facts: DomainEvent) -> None:
        """Facts, told in one unit of work."""
        async with self.database.unit_of_work() as uow:
            uow.publish(*facts)

    async def settle(self) -> None:
        """Everything due, here and now."""
        while await self.bus.drain() + await self.jobs.run_due():
            pass

    async def later(self, **parts: float) -> None:
        """Let time pass, then do what is due."""
        self.clock.advance(**parts)
        await self.settle()

    async def messages(self, issued: Any, **filters: Any) -> list[Any]:
        """Of an endpoint, newest first."""
        return (await self.service.messages(issued.endpoint.id, ALL, **filters)).items

    async def attempts(self, issued: Any) -> list[Any]:
        """Of an endpoint, oldest first."""
        return (await self.service.attempts(issued.endpoint.id, ALL)).items[::-1]

    async def endpoint(self, issued: Any) -> Any:
        """As it is now."""
        return await self.service.get(issued.endpoint.id)


class Trail:
    """An audit port that keeps what it is told."""

    def __init__(self) -> None:
        self.entries: list[Any] = []

    async def record(self, uow: Any, entry: Any) -> None:
        self.entries.append(entry)


def made(
    database: Database,
    clock: ManualClock,
    sealer: Sealer,
    *,
    http: httpx.AsyncClient | None = None,
    bus_of: Callable[[Deliveries], Bus] | None = None,
    **settings: Any,
) -> Hooks:
    """A set of webhooks; several on one database are several processes."""
    chosen = msgspec.structs.replace(
        WebhookSettings(timeout=timedelta(seconds=2), networks=("127.0.0.0/8",)), **settings
    )
    reach = Reach(ports=chosen.ports, networks=chosen.networks, development=True)
    client = http or outbound_client(reach=reach, total=chosen.timeout.total_seconds())
    jobs = Jobs(database, clock)
    told: list[Any] = []

    async def notice(uow: Any, endpoint: Any) -> None:
        told.append(endpoint)

    endpoints = EndpointRepository(sealer)
    deliveries = Deliveries(
        database,
        clock,
        jobs,
        client,
        endpoints,
        FACTS,
        chosen,
        notice=notice,
        jitter=lambda: 1.0,
    )
    trail = Trail()
    service = WebhookService(database, clock, endpoints, deliveries, trail, reach, FACTS)
    if bus_of is None:
        bus = Bus(database, clock, subscriptions(deliveries, FACTS.values()))
    else:
        bus = bus_of(deliveries)
    jobs.register(*job_kinds(deliveries))
    return Hooks(database, clock, bus, jobs, deliveries, service, trail.entries, told, client)


@pytest_asyncio.fixture
async def sealer(database):
    sealer = Sealer(MasterKey(b"m" * 32))
    await sealer.load(database, SEALED)
    return sealer


@pytest_asyncio.fixture
async def make_hooks(database, clock, sealer):
    """Makes sets of webhooks; their clients are closed afterwards."""
    all_made = []

    def make(**settings):
        all_made.append(made(database, clock, sealer, **settings))
        return all_made[-1]

    yield make
    for each in all_made:
        await each.http.aclose()


@pytest.fixture
def hooks(make_hooks):
    return make_hooks()


@pytest_asyncio.fixture
async def receiver():
    async with Receiver() as listening:
        yield listening

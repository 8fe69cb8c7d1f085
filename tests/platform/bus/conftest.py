from __future__ import annotations

from typing import ClassVar

import pytest

from commercekit.kernel import DomainEvent
from commercekit.platform.bus import Bus


class Opened(DomainEvent, frozen=True, kw_only=True):
    aggregate: ClassVar[str] = "door"
    id_field: ClassVar[str] = "door"
    door: str
    by: str = ""


class Closed(DomainEvent, frozen=True, kw_only=True):
    aggregate: ClassVar[str] = "door"
    id_field: ClassVar[str] = "door"
    door: str


class Rung(DomainEvent, frozen=True, kw_only=True):
    aggregate: ClassVar[str] = "bell"
    id_field: ClassVar[str] = "bell"
    bell: str


@pytest.fixture
async def ledger(database):
    """A table that reactions write to, so that their effects can be counted."""
    await database.execute("CREATE TABLE effect (id bigserial PRIMARY KEY, what text NOT NULL)")

    class Ledger:
        async def add(self, uow, what):
            await uow.execute("INSERT INTO effect (what) VALUES ($1)", what)

        async def all(self):
            rows = await database.fetch("SELECT what FROM effect ORDER BY id")
            return [row["what"] for row in rows]

    return Ledger()


@pytest.fixture
def tell(database):
    async def tell(*events):
        async with database.unit_of_work() as uow:
            uow.publish(*events)

    return tell


@pytest.fixture
def make_bus(database, clock):
    def make(*subscriptions, **options):
        return Bus(database, clock, subscriptions, **options)

    return make


@pytest.fixture
def facts():
    class Facts:
        opened, closed, rung = Opened, Closed, Rung

    return Facts

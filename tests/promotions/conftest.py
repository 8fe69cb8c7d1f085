from __future__ import annotations

import pytest
import pytest_asyncio

from commercekit.platform.http import Cursors, Idempotency
from commercekit.platform.security import MasterKey, Principal, Sealer
from commercekit.promotions.api import AdminPromotions
from commercekit.testing import core_piccolo_apps
from commercekit.web import build_web
from tests.platform.http.conftest import client_of
from tests.promotions.sample import service_on


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "promotions")


@pytest.fixture
def told(database):
    facts = []

    async def hear(_uow, events):
        facts.extend(events)

    database.on_flush(hear)
    return facts


@pytest.fixture
def promotions(database, clock, told):
    return service_on(database, clock)


TOKENS = {
    "reader": Principal(id="reader", scopes=frozenset({"promotions:read"})),
    "writer": Principal(id="writer", scopes=frozenset({"promotions:*"})),
    "stranger": Principal(id="stranger", scopes=frozenset({"orders:*"})),
}


async def authenticate(token):
    return TOKENS.get(token)


@pytest_asyncio.fixture
async def client(database, promotions):
    """The domain's routes, asked by the writer unless a test sends another token."""
    sealer = Sealer(MasterKey(b"m" * 32))
    await sealer.load(database, ["platform_idempotency_key"])
    app = build_web(
        controllers=[AdminPromotions],
        dependencies={"promotions": promotions},
        authenticator=authenticate,
        idempotency=Idempotency(database, sealer),
        cursors=Cursors(b"k" * 32),
    )
    async with client_of(app, headers={"Authorization": "Bearer writer"}) as opened:
        yield opened

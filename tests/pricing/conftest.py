from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import pytest
import pytest_asyncio

from commercekit.kernel import new_id
from commercekit.platform.http import Cursors, Idempotency
from commercekit.platform.security import MasterKey, Principal, Sealer
from commercekit.pricing import PriceChanged, PricingService
from commercekit.pricing.api import AdminPriceExplanations, AdminPriceLists, AdminTaxRates
from commercekit.testing import core_piccolo_apps
from commercekit.web import build_web
from tests.platform.http.conftest import client_of


@dataclass
class Market:
    """All that pricing wants to know of one."""

    code: str = "default"
    currency: str = "CNY"
    id: UUID = field(default_factory=new_id)


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "pricing")


@pytest.fixture
def market():
    return Market()


@pytest.fixture
def facts(database):
    """Everything that is told."""
    heard = []

    async def hear(_uow, events):
        heard.extend(events)

    database.on_flush(hear)
    return heard


class Told:
    """What shoppers at large see changing, picked from everything that is told."""

    __hash__ = None

    def __init__(self, facts):
        self.facts = facts

    def __repr__(self):
        return repr(self._pick())

    def _pick(self):
        return [fact for fact in self.facts if isinstance(fact, PriceChanged)]

    def __eq__(self, other):
        return self._pick() == other

    def __iter__(self):
        return iter(self._pick())

    def __len__(self):
        return len(self._pick())

    def __getitem__(self, place):
        return self._pick()[place]

    def clear(self):
        self.facts.clear()


@pytest.fixture
def told(facts):
    return Told(facts)


class Markets:
    """Knows the market of the test, as the real service would."""

    def __init__(self, market):
        self.market = market

    async def by_code(self, code):
        assert code == self.market.code
        return self.market

    async def within(self, code, reach):
        assert reach.has_market(code)
        return await self.by_code(code)


@pytest.fixture
def pricing(database, clock, facts, market):
    return PricingService(database, clock, Markets(market))


TOKENS = {
    "reader": Principal(id="reader", scopes=frozenset({"prices:read"})),
    "writer": Principal(id="writer", scopes=frozenset({"prices:*"})),
    "stranger": Principal(id="stranger", scopes=frozenset({"orders:*"})),
}


async def authenticate(token):
    return TOKENS.get(token)


@pytest_asyncio.fixture
async def client(database, pricing):
    """The domain's routes, asked by the writer unless a test sends another token."""
    sealer = Sealer(MasterKey(b"m" * 32))
    await sealer.load(database, ["platform_idempotency_key"])
    app = build_web(
        controllers=[AdminPriceLists, AdminPriceExplanations, AdminTaxRates],
        dependencies={"pricing": pricing},
        authenticator=authenticate,
        idempotency=Idempotency(database, sealer),
        cursors=Cursors(b"k" * 32),
    )
    async with client_of(app, headers={"Authorization": "Bearer writer"}) as opened:
        yield opened

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import pytest

from commercekit.kernel import new_id
from commercekit.pricing import PricingService


@dataclass
class Market:
    """All that pricing wants to know of one."""

    code: str = "default"
    currency: str = "CNY"
    id: UUID = field(default_factory=new_id)


@pytest.fixture(scope="session")
def piccolo_apps():
    return ["commercekit.pricing.piccolo_app"]


@pytest.fixture
def market():
    return Market()


@pytest.fixture
def told(database):
    facts = []

    async def hear(_uow, events):
        facts.extend(events)

    database.on_flush(hear)
    return facts


class Markets:
    """Knows the market of the test, as the real service would."""

    def __init__(self, market):
        self.market = market

    async def by_code(self, code):
        assert code == self.market.code
        return self.market


@pytest.fixture
def pricing(database, clock, told, market):
    return PricingService(database, clock, Markets(market))

"""The whole interface, asked by strangers, customers and staff: nothing breaks, all is as documented.

No answer is our own fault, every answer fits the document, what is wrong is refused, and nobody comes by
what is somebody else's. Schemathesis makes up the requests.
"""

from __future__ import annotations

import pytest

from tests.security.interface import BAD, GOOD, PARTING, Interface
from tests.security.visitors import Neighbourhood, settle_in
from tests.shop import TestShop, given


async def interface_of(shop: TestShop, here: Neighbourhood) -> Interface:
    return Interface(here, given(await shop.client.get("/openapi.json")))


@pytest.mark.timeout(600)
async def test_every_operation_does_as_documented(shop: TestShop) -> None:
    here = await settle_in(shop)
    interface = await interface_of(shop, here)
    everything = interface.operations
    before = await here.her_things()
    store = [each for each in everything if each.path.startswith("/store")]
    await interface.ask(here.visitors["customer"], store, GOOD, 2)
    assert await here.her_things() == before
    reads = [each for each in everything if each.method.upper() == "GET"]
    await interface.ask(here.visitors["another market"], reads, GOOD, 1)
    await interface.ask(here.visitors["owner"], everything, GOOD, 1)
    await interface.ask(here.visitors["owner"], everything[::3], BAD, 1)
    await shop.settle()
    assert interface.found == {}, interface.report()
    assert {each.label for each in everything} - interface.labels() == PARTING
    assert len(interface.reached()) > 100


@pytest.mark.slow
@pytest.mark.timeout(2400)
async def test_whoever_asks_and_however_often(shop: TestShop) -> None:
    here = await settle_in(shop)
    interface = await interface_of(shop, here)
    before = await here.her_things()
    for name in ("nobody", "customer", "another market", "read-only"):
        for mode in (GOOD, BAD):
            await interface.ask(here.visitors[name], interface.operations, mode, 3)
        assert await here.her_things() == before, name
    await interface.wander(here.visitors["customer"], journeys=20, steps=10)
    assert await here.her_things() == before
    for name in ("support", "owner"):
        for mode in (GOOD, BAD):
            await interface.ask(here.visitors[name], interface.operations, mode, 5)
    await interface.wander(here.visitors["owner"], journeys=20, steps=20)
    await shop.settle()
    assert interface.found == {}, interface.report()
    assert interface.wandered > 100
    assert len(interface.reached()) > 150

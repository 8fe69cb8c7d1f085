from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from commercekit.kernel import new_id
from commercekit.platform.bus import Subscription
from commercekit.platform.bus.api import AdminEvents
from commercekit.platform.http import Cursors, build_litestar
from commercekit.platform.security import Principal


@pytest.fixture
def broken():
    return [True]


@pytest.fixture
async def bus(make_bus, facts, ledger, broken):
    async def react(uow, fact, meta):
        if broken:
            message = "poison"
            raise RuntimeError(message)
        await ledger.add(uow, meta.aggregate_id)

    bus = make_bus(Subscription("c", facts.opened, react), backoff=lambda _: timedelta())
    await bus.drain()
    return bus


@pytest.fixture
async def shop(bus):
    async def authenticate(token):
        scope = {"writer": "events:*", "reader": "events:read"}.get(token)
        return Principal(id=token, scopes=frozenset({scope})) if scope else None

    app = build_litestar(
        controllers=[AdminEvents],
        dependencies={"bus": bus},
        authenticator=authenticate,
        cursors=Cursors(b"k" * 32),
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://shop.test"
    ) as client:

        async def call(method, path="", *, token="writer"):
            headers = {"authorization": f"Bearer {token}"}
            return await client.request(method, f"/admin/events{path}", headers=headers)

        yield call


async def test_parked_facts_are_listed_page_by_page_and_retried(
    shop, bus, facts, tell, ledger, broken
):
    await tell(*(facts.opened(door=name) for name in "abc"))
    await bus.drain()
    first = (await shop("GET", "?limit=2")).json()
    rest = (await shop("GET", f"?limit=2&cursor={first['next_cursor']}")).json()
    items = first["items"] + rest["items"]
    assert [item["aggregate_id"] for item in items] == ["a", "b", "c"]
    assert items[0]["error"] == "RuntimeError: poison"
    backlog = (await shop("GET", "/backlog")).json()
    assert backlog == {"unpublished": 0, "waiting": 0, "parked": 3, "lag_seconds": 0.0}

    broken.clear()
    answer = await shop("POST", f"/{items[0]['event_id']}/retry")
    assert answer.json() == {"event_id": items[0]["event_id"], "consumers": ["c"]}
    gone = await shop("POST", f"/{items[1]['event_id']}/discard?consumer=c")
    assert gone.json()["consumers"] == ["c"]
    await bus.drain()
    assert await ledger.all() == ["a"]
    assert (await shop("GET", "/backlog")).json()["parked"] == 1


async def test_waiting_facts_are_parked_by_hand(shop, bus, facts, tell, clock, ledger, broken):
    broken.clear()
    await tell(facts.opened(door="a"))
    await bus._relay.move()
    (waiting,) = (await shop("GET", "?waiting=true")).json()["items"]
    assert (await shop("POST", f"/{waiting['event_id']}/park")).status_code == 200
    await bus.drain()
    assert await ledger.all() == []


async def test_readers_and_strangers_change_nothing(shop, bus, facts, tell):
    await tell(facts.opened(door="a"))
    await bus.drain()
    (parked,) = (await shop("GET", token="reader")).json()["items"]
    for verb in ("retry", "park", "discard"):
        path = f"/{parked['event_id']}/{verb}"
        assert (await shop("POST", path, token="reader")).status_code == 403
        assert (await shop("POST", path, token="nobody")).status_code == 401
    assert (await shop("POST", f"/{new_id()}/retry")).status_code == 404
    assert (await bus.backlog()).parked == 1

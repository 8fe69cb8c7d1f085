"""The carrier's notifications as they arrive at the shop's door: forged, repeated, late, unknown."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.shop import MUG, Body, TestShop, given, refused


class Tap:
    """Keeps what the sandbox pushes, and holds it back while ``closed``."""

    def __init__(self, shop: TestShop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shop = shop
        self.requests: list[httpx.Request] = []
        self.closed = False
        transport = shop.shop.http._transport
        passed: Any = transport.handle_async_request

        async def listen(request: httpx.Request) -> httpx.Response:
            if request.url.path.startswith("/webhooks/carriers/"):
                await request.aread()
                self.requests.append(request)
                if self.closed:
                    return httpx.Response(503)
            answer: httpx.Response = await passed(request)
            return answer

        monkeypatch.setattr(transport, "handle_async_request", listen)

    async def again(self, request: httpx.Request, **changes: Any) -> httpx.Response:
        """Send a notification once more, as it was or changed."""
        return await self.shop.client.post(
            changes.get("path", request.url.path),
            content=changes.get("content", request.content),
            headers={**request.headers, **changes.get("headers", {})},
        )


@pytest.fixture
def tap(shop: TestShop, monkeypatch: pytest.MonkeyPatch) -> Tap:
    return Tap(shop, monkeypatch)


async def sent(shop: TestShop) -> tuple[Body, str]:
    order = await shop.paid((MUG, 1))
    shipped = given(await shop.ship(order), 201)
    number: str = shipped["shipments"][0]["tracking_number"]
    return order, f"/plugins/carrier-sandbox/parcels/{number}/advance"


async def seen(shop: TestShop, order: Body) -> tuple[str, int]:
    (shipment,) = (await shop.read(order))["shipments"]
    return shipment["status"], len(shipment["events"])


async def test_a_repeated_notification_changes_nothing(shop: TestShop, tap: Tap) -> None:
    order, path = await sent(shop)
    for _ in range(4):
        given(await shop.client.post(path))
    done = await shop.read(order)
    version = done["version"]
    for request in list(tap.requests):
        assert (await tap.again(request)).status_code == 200
    await shop.settle()
    read = await shop.read(order)
    assert (read["version"], read["history"]) == (version, done["history"])
    assert await seen(shop, order) == ("delivered", 4)


async def test_late_notifications_never_move_a_parcel_back(shop: TestShop, tap: Tap) -> None:
    order, path = await sent(shop)
    tap.closed = True
    for _ in range(3):
        given(await shop.client.post(path))
    held = list(tap.requests)
    tap.closed = False
    given(await shop.client.post(path))
    assert await seen(shop, order) == ("delivered", 1)
    for request in reversed(held):
        assert (await tap.again(request)).status_code == 200
        assert (await seen(shop, order))[0] == "delivered"
    assert await seen(shop, order) == ("delivered", 4)
    assert (await shop.read(order))["status"] == "completed"


async def test_forged_notifications_are_refused_before_they_are_read(
    shop: TestShop, tap: Tap
) -> None:
    order, path = await sent(shop)
    given(await shop.client.post(path))
    (genuine,) = tap.requests
    changed = genuine.content.replace(b"picked_up", b"delivered")
    (name,) = [each for each in genuine.headers if "signature" in each]
    for forged in (
        {"content": changed},
        {"headers": {name: "t=1,v1=00"}},
        {"headers": {name: ""}},
        {"content": b"{not json"},
    ):
        refused(await tap.again(genuine, **forged), 401, "signature-invalid")
    shop.clock.advance(hours=1)
    refused(await tap.again(genuine), 401, "signature-invalid")
    other = genuine.url.path.replace("/default", "/another")
    refused(await tap.again(genuine, path=other), 404, "carrier-unknown")
    assert await seen(shop, order) == ("handed_over", 1)


async def test_news_of_a_parcel_nobody_knows_are_to_come_again(shop: TestShop, tap: Tap) -> None:
    order, path = await sent(shop)
    given(await shop.client.post(path))
    number = path.split("/")[-2]
    async with shop.shop.db.unit_of_work() as uow:
        await uow.execute("DELETE FROM fulfilment_tracking_number WHERE number = $1", number)
    answer = await tap.again(tap.requests[0])
    assert (answer.status_code, answer.content) == (409, b"unknown parcel")
    assert await seen(shop, order) == ("handed_over", 1)

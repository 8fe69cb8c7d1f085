"""The process dies on the way of the goods; the same key goes on, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

import httpx
import pytest

from commercekit.platform import failpoints
from tests.shop import ADDRESS, SHIRT, Body, TestShop, events, given

Crash = Callable[..., Awaitable[Body]]


@pytest.fixture
def crashing(shop: TestShop, monkeypatch: pytest.MonkeyPatch) -> Crash:
    """Ask, die at a failpoint, and ask again with the same key; gives the second answer."""

    async def ask_twice(name: str, method: str, path: str, body: Body, headers: Body) -> Body:
        headers = {"Idempotency-Key": str(uuid4()), **headers}
        with monkeypatch.context() as broken:
            broken.setattr(failpoints, "_MODES", {name: "raise"})
            assert (
                await shop.admin(method, path, json=body, headers=headers)
            ).status_code == 500, f"{name} was not reached"
        answer = await shop.admin(method, path, json=body, headers=headers)
        assert answer.status_code in {200, 201}, answer.text
        again = await shop.admin(method, path, json=body, headers=headers)
        assert method == "PUT" or again.content == answer.content
        told: Body = answer.json()
        return told

    return ask_twice


async def labels(shop: TestShop) -> int:
    """How many labels the carrier sold and did not take back."""
    return await shop.count("carrier_sandbox_parcel WHERE NOT cancelled")


@pytest.mark.parametrize(
    "name",
    [
        "orders.shipment-created",
        "fulfilment.asked",
        "fulfilment.booked",
        "fulfilment.handed-over",
    ],
)
async def test_shipping(shop: TestShop, crashing: Crash, name: str) -> None:
    order = await shop.paid((SHIRT, 2))
    path = f"/admin/orders/{order['number']}/shipments"
    told = await crashing(name, "POST", path, {"carrier": "sandbox", "service": "standard"}, {})
    assert [s["status"] for s in told["shipments"]] == ["handed_over"]
    assert await labels(shop) == 1, "the label was bought once"
    assert await shop.stock(SHIRT) == (8, 0)
    assert events(await shop.read(order)).count("shipped") == 1
    shop.clock.advance(minutes=5)
    await shop.settle()
    assert await labels(shop) == 1
    assert await shop.stock(SHIRT) == (8, 0)


@pytest.mark.parametrize("name", ["fulfilment.asked", "fulfilment.booked"])
async def test_shipping_goes_on_by_itself_and_buys_one_label(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    order = await shop.paid((SHIRT, 2))
    with monkeypatch.context() as broken:
        broken.setattr(failpoints, "_MODES", {name: "raise"})
        assert (await shop.ship(order)).status_code == 500
        shop.clock.advance(seconds=31)
        await shop.settle()
    for _ in range(4):
        shop.clock.advance(minutes=20)
        await shop.settle()
    read = await shop.read(order)
    assert [s["status"] for s in read["shipments"]] == ["handed_over"]
    assert await labels(shop) == 1
    assert await shop.stock(SHIRT) == (8, 0)


@pytest.mark.parametrize("name", ["fulfilment.called-back", "fulfilment.cancelled"])
async def test_calling_back(shop: TestShop, crashing: Crash, name: str) -> None:
    order = await shop.paid((SHIRT, 2))
    (shipment,) = given(await shop.ship(order), 201)["shipments"]
    told = await crashing(name, "POST", f"/admin/shipments/{shipment['id']}/cancel", {}, {})
    assert told["status"] == "cancelled"
    assert await labels(shop) == 0
    assert await shop.stock(SHIRT) == (10, 2)
    assert events(await shop.read(order)).count("shipment-cancelled") == 1
    given(await shop.ship(order), 201)
    assert await shop.stock(SHIRT) == (8, 0)


async def test_noting_what_happened(shop: TestShop, crashing: Crash) -> None:
    order = await shop.paid((SHIRT, 2))
    (shipment,) = given(await shop.ship(order), 201)["shipments"]
    body = {"code": "delivered", "at": shop.clock.now().isoformat()}
    path = f"/admin/shipments/{shipment['id']}/events"
    told = await crashing("fulfilment.tracked", "POST", path, body, {})
    assert len(told["events"]) == 1
    assert events(await shop.read(order)).count("delivered") == 1


async def test_typing_a_number(shop: TestShop, crashing: Crash) -> None:
    order = await shop.paid((SHIRT, 2), address={**ADDRESS, "line2": "refused"})
    (shipment,) = given(await shop.ship(order), 201)["shipments"]
    path = f"/admin/shipments/{shipment['id']}/hand-over"
    body = {"tracking_number": "VAN-1", "carrier_name": "Van"}
    told = await crashing("fulfilment.numbers-typed", "POST", path, body, {})
    assert (told["status"], told["tracking_number"]) == ("handed_over", "VAN-1")
    assert await shop.stock(SHIRT) == (8, 0)


async def test_packing_anew(shop: TestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    order = await shop.paid((SHIRT, 2), address={**ADDRESS, "line2": "refused"})
    (shipment,) = given(await shop.ship(order), 201)["shipments"]
    path = f"/admin/shipments/{shipment['id']}/parcels"
    line = {"line_id": order["lines"][0]["id"], "quantity": 1}
    body = {"parcels": [{"lines": [line]}, {"lines": [line]}]}
    etag = (await shop.admin("GET", path.rpartition("/")[0])).headers["etag"]
    with monkeypatch.context() as broken:
        broken.setattr(failpoints, "_MODES", {"fulfilment.repacked": "raise"})
        answer = await shop.admin("PUT", path, json=body, headers={"If-Match": etag})
        assert answer.status_code == 500
    answer = await shop.admin("PUT", path, json=body, headers={"If-Match": etag})
    assert answer.status_code == 412, "it was done, and whoever asks blindly again is told"
    assert len(given(await shop.admin("GET", path.rpartition("/")[0]))["parcels"]) == 2


@pytest.mark.parametrize("again", [False, True])
async def test_opening_what_came_back(shop: TestShop, crashing: Crash, *, again: bool) -> None:
    order = await shop.paid((SHIRT, 2), address={**ADDRESS, "line2": "returned"})
    (shipment,) = given(await shop.ship(order), 201)["shipments"]
    await shop.deliver(shipment)
    path = f"/admin/shipments/{shipment['id']}/parcels/1"
    line = {"line_id": order["lines"][0]["id"], "sellable": 2}
    body = {"lines": [line], "send_again": again}
    await crashing("fulfilment.inspected", "POST", f"{path}/inspection", body, {})
    assert await shop.stock(SHIRT) == ((10, 2) if again else (10, 0))
    if not again:
        await crashing("fulfilment.sent-again", "POST", f"{path}/send-again", {}, {})
    assert await shop.stock(SHIRT) == (10, 2)
    read = await shop.read(order)
    assert [events(read).count(each) for each in ("inspected", "to-be-sent-again")] == [1, 1]


async def test_an_answer_of_the_carrier_that_got_lost(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 1), address={**ADDRESS, "line2": "timeout"})
    shipped: httpx.Response = await shop.ship(order)
    assert given(shipped, 201)["shipments"][0]["status"] == "handed_over"
    assert await labels(shop) == 1

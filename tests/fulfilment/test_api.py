from __future__ import annotations

import httpx
import pytest

from commercekit.fulfilment import SEALED
from commercekit.fulfilment.api import AdminShipments
from commercekit.kernel import new_id
from commercekit.platform.http import Cursors, Idempotency, build_litestar
from commercekit.platform.security import Principal


@pytest.fixture
async def shop(service, database, sealer):
    await sealer.load(database, (*SEALED, "platform_idempotency_key"))

    async def authenticate(token):
        scope = {"writer": "shipments:*", "reader": "shipments:read", "other": "orders:*"}.get(
            token
        )
        return Principal(id=token, scopes=frozenset({scope})) if scope else None

    app = build_litestar(
        controllers=[AdminShipments],
        dependencies={"fulfilment": service},
        authenticator=authenticate,
        idempotency=Idempotency(database, sealer),
        cursors=Cursors(b"k" * 32),
    )

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://shop.test"
    ) as client:

        async def call(method, path="", *, token="writer", key=None, **options):
            headers = {"authorization": f"Bearer {token}"}
            if method == "POST" and key is not False:
                headers["idempotency-key"] = key or str(new_id())
            return await client.request(
                method, f"/admin/shipments{path}", headers=headers, **options
            )

        yield call


async def test_list_pages_and_filters(shop, create):
    ids = [str((await create(reference=f"order-{n}")).id) for n in range(3)]
    first = (await shop("GET", "?limit=2")).json()
    assert [item["id"] for item in first["items"]] == [ids[2], ids[1]]
    rest = (await shop("GET", f"?limit=2&cursor={first['next_cursor']}")).json()
    assert ([item["id"] for item in rest["items"]], rest["next_cursor"]) == ([ids[0]], None)
    only = (await shop("GET", "?reference=order-1&status=created")).json()
    assert [item["id"] for item in only["items"]] == [ids[1]]
    assert (await shop("GET", "?status=eaten")).status_code == 400
    assert (await shop("GET", "?limit=101")).status_code == 400


async def test_one_shipment_with_its_history_and_no_address(shop, create, service):
    made = await service.hand_over((await create()).id)
    answer = await shop("GET", f"/{made.id}")
    body = answer.json()
    assert (body["status"], body["tracking_number"]) == ("handed_over", made.tracking_number)
    assert answer.headers["etag"]
    assert "West Lake" not in answer.text
    missing = await shop("GET", f"/{new_id()}")
    assert (missing.status_code, missing.json()["type"].rpartition("/")[2]) == (
        404,
        "shipment-not-found",
    )


async def test_number_typed_by_staff_hands_over_once_per_key(shop, create, service):
    made = await create(carrier="SF", tracking_number="TEMP")
    body = {"tracking_number": "TEMP", "carrier_name": "SF Express"}
    first = await shop("POST", f"/{made.id}/hand-over", json=body, key="k-1")
    again = await shop("POST", f"/{made.id}/hand-over", json=body, key="k-1")
    assert (first.status_code, first.json()["status"]) == (200, "handed_over")
    assert again.content == first.content
    assert first.json()["carrier_name"] == "SF Express"


async def test_event_is_noted_once_per_key(shop, create, service, clock):
    made = await service.hand_over((await create()).id)
    body = {"code": "delivered", "text": "by phone", "at": clock.now().isoformat()}
    for _ in range(2):
        answer = await shop("POST", f"/{made.id}/events", json=body, key="k-1")
        assert (answer.status_code, answer.json()["status"]) == (201, "delivered")
    assert len((await service.shipment(made.id)).events) == 1
    naive = {**body, "at": "2026-11-22T10:00:00"}
    assert (await shop("POST", f"/{made.id}/events", json=naive)).status_code == 400
    unknown = {**body, "courier": "x"}
    assert (await shop("POST", f"/{made.id}/events", json=unknown)).status_code == 400
    assert len((await service.shipment(made.id)).events) == 1


async def test_cancelling_what_travels_is_a_conflict(shop, create, service, clock, push, scan):
    made = await service.hand_over((await create()).id)
    await push([scan(made.tracking_number, "in_transit")])
    refused = await shop("POST", f"/{made.id}/cancel")
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (
        409,
        "shipment-on-its-way",
    )
    other = await create(reference="order-2")
    assert (await shop("POST", f"/{other.id}/cancel")).json()["status"] == "cancelled"


async def test_polling_now_shows_what_the_carrier_knows(shop, create, service, carrier, scan):
    made = await service.hand_over((await create()).id)
    carrier.history = [scan(made.tracking_number, "delivered")]
    answer = await shop("POST", f"/{made.id}/poll")
    assert (answer.status_code, answer.json()["status"]) == (200, "delivered")


@pytest.mark.parametrize("verb", ["hand-over", "cancel", "events"])
async def test_what_moves_goods_needs_a_key_and_the_right_scope(shop, create, service, clock, verb):
    made = await create()
    body = {"code": "delivered", "at": clock.now().isoformat()} if verb == "events" else {}
    path = f"/{made.id}/{verb}"
    keyless = await shop("POST", path, json=body, key=False)
    assert keyless.json()["type"].endswith("idempotency-key-required")
    assert (await shop("POST", path, json=body, token="reader")).status_code == 403
    assert (await shop("POST", path, json=body, token="nobody")).status_code == 401
    assert (await shop("GET", f"/{made.id}", token="other")).status_code == 403
    assert str((await service.shipment(made.id)).status) == "created"

"""Webhooks of a whole shop, over its own interface and with its own facts."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest
import time_machine
from standardwebhooks import Webhook

from commercekit.app import load_configuration
from commercekit.app.webhooks import public_facts
from tests.receiver import OK, Receiver, answer
from tests.shop import MUG, given, refused
from tests.shop_parts import SETTINGS

WEBHOOKS = """
[webhooks]
networks = ["127.0.0.0/8"]
timeout = "2s"
tell = "ops@shop.test"
"""


@pytest.fixture(scope="session")
def configuration(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("webhooks")
    file = folder / "commercekit.toml"
    file.write_text(SETTINGS + WEBHOOKS, encoding="utf-8")
    return load_configuration(
        file,
        {
            "COMMERCEKIT_DATA": str(folder / "data"),
            "COMMERCEKIT_PLUGINS__NOTIFY_SANDBOX__FOLDER": str(folder / "messages"),
        },
    )


async def added(shop, url, *events, **more):
    body = {"url": url, "events": list(events or ["order.*"]), **more}
    return given(await shop.admin("POST", "/admin/webhooks", json=body), 201)


async def test_an_order_is_told_and_the_receiver_can_read_it_with_the_ids(shop):
    async with Receiver() as receiver:
        issued = await added(shop, receiver.url(), "order.OrderPlaced", "payment.*")
        order = await shop.paid((MUG, 2))
        await shop.settle()
        with time_machine.travel(shop.clock.now(), tick=False):
            told = [
                Webhook(issued["secret"]).verify(each.body, each.headers) for each in receiver.seen
            ]
    kinds = {each["type"]: each["data"] for each in told}
    assert kinds.keys() == {
        "order.OrderPlaced",
        "payment.PaymentPending",
        "payment.PaymentPaid",
    }
    assert kinds["order.OrderPlaced"]["order_id"] == order["id"]
    text = b"".join(each.body for each in receiver.seen).decode()
    for personal in ("Li Lei", "li.lei@example.com", "+8613800138000", "Century"):
        assert personal not in text


async def test_an_endpoint_from_its_beginning_to_its_end(shop):
    async with Receiver([answer(500, b"no"), OK]) as receiver:
        issued = await added(shop, receiver.url(), description="ERP", headers={"X-Key": "k1"})
        endpoint, secret = issued["endpoint"], issued["secret"]
        path = f"/admin/webhooks/{endpoint['id']}"
        assert secret.startswith("whsec_")
        assert issued["public_key"] is None
        read = await shop.admin("GET", path)
        assert given(read) == endpoint
        assert secret not in read.text
        assert "k1" not in read.text
        assert endpoint["header_names"] == ["X-Key"]
        assert read.headers["etag"] == '"1"'

        change = {"description": "The ERP", "events": ["order.OrderPlaced"]}
        refused(await shop.admin("PATCH", path, json=change), 428, "precondition-required")
        stale = {"If-Match": '"9"'}
        refused(
            await shop.admin("PATCH", path, json=change, headers=stale), 412, "precondition-failed"
        )
        changed = await shop.admin("PATCH", path, json=change, headers={"If-Match": '"1"'})
        assert given(changed)["description"] == "The ERP"
        assert changed.headers["etag"] == '"2"'

        test = given(await shop.admin("POST", f"{path}/test"), 201)
        assert (test["status"], test["answer"], test["number"]) == (500, "no", 1)
        await shop.placed((MUG, 1))
        await shop.settle()
        page = given(await shop.admin("GET", f"{path}/messages"))
        assert [(each["type"], each["state"]) for each in page["items"]] == [
            ("order.OrderPlaced", "delivered"),
            ("webhook.Test", "failed"),
        ]
        first = page["items"][0]
        detail = given(await shop.admin("GET", f"{path}/messages/{first['id']}"))
        assert detail["body"].encode() == receiver.seen[1].body
        assert detail["message"] == first
        only = given(await shop.admin("GET", f"{path}/messages?status=failed&type=webhook.Test"))
        assert [each["id"] for each in only["items"]] == [page["items"][1]["id"]]

        log = given(await shop.admin("GET", f"{path}/attempts?limit=1"))
        assert [each["status"] for each in log["items"]] == [200]
        rest = given(await shop.admin("GET", f"{path}/attempts?cursor={log['next_cursor']}"))
        assert [each["status"] for each in rest["items"]] == [500]
        mine = given(await shop.admin("GET", f"{path}/attempts?message={first['id']}"))
        assert [each["message_id"] for each in mine["items"]] == [first["id"]]

        again = given(await shop.admin("POST", f"{path}/messages/{first['id']}/replay"))
        assert again["state"] == "waiting"
        await shop.settle()
        since = (shop.clock.now()).isoformat()
        many = {"what": "all", "since": since}
        assert given(await shop.admin("POST", f"{path}/replay", json=many)) == {"messages": 1}
        await shop.settle()
        assert len(receiver.seen) == 4

        turned = given(
            await shop.admin("POST", f"{path}/rotate-secret", json={"overlap_seconds": 60}), 201
        )
        assert turned["secret"] != secret
        secrets = given(await shop.admin("GET", f"{path}/secrets"))["items"]
        assert [each["ends_at"] is None for each in secrets] == [True, False]

        off = given(await shop.admin("POST", f"{path}/disable"))
        assert (off["state"], off["disabled_reason"]) == ("disabled", "by-hand")
        problem = refused(
            await shop.admin("POST", f"{path}/replay", json=many), 409, "webhook-endpoint-disabled"
        )
        assert problem["reason"] == "by-hand"
        on = await shop.admin("POST", f"{path}/enable")
        assert given(on)["state"] == "enabled"
        gone = await shop.admin("DELETE", path, headers={"If-Match": on.headers["etag"]})
        assert gone.status_code == 204
        refused(await shop.admin("GET", path), 404, "not-found")
    audit = given(await shop.admin("GET", "/admin/audit?limit=100"))["items"]
    done = [each["action"] for each in audit if each["action"].startswith("webhooks:")]
    assert done[::-1] == [
        f"webhooks:{verb}"
        for verb in (
            "create", "change", "test", "replay", "replay", "rotate", "disable", "enable", "delete",
        )
    ]  # fmt: skip


async def test_adding_twice_under_one_key_adds_once_and_shows_the_same_secret(shop):
    async with Receiver() as receiver:
        body = {"url": receiver.url(), "events": ["order.*"]}
        key = {"Idempotency-Key": str(uuid4())}
        one = given(await shop.admin("POST", "/admin/webhooks", json=body, headers=key), 201)
        two = given(await shop.admin("POST", "/admin/webhooks", json=body, headers=key), 201)
        assert one == two
        page = given(await shop.admin("GET", "/admin/webhooks"))
        assert [each["id"] for each in page["items"]] == [one["endpoint"]["id"]]
        body["url"] += "/other"
        refused(
            await shop.admin("POST", "/admin/webhooks", json=body, headers=key),
            422,
            "idempotency-key-reused",
        )


WRONG = [
    ({"url": "https://10.0.0.1/"}, 422, "url-not-allowed", "/url"),
    ({"url": "http://[::1]/"}, 422, "url-not-allowed", "/url"),
    ({"url": "https://169.254.169.254/latest"}, 422, "url-not-allowed", "/url"),
    ({"url": "file:///etc/passwd"}, 422, "url-not-allowed", "/url"),
    ({"url": "https://user:secret@vendor.example/"}, 422, "url-not-allowed", "/url"),
    ({"url": ""}, 400, "validation", "/url"),
    ({"url": "https://v.example/" + "x" * 2000}, 400, "validation", "/url"),
    ({"events": ["order.Nothing"]}, 422, "unknown-event-type", "/events/0"),
    ({"events": []}, 400, "validation", "/events"),
    ({"events": "order.*"}, 400, "validation", "/events"),
    ({"headers": {"Host": "x"}}, 422, "header-not-allowed", "/headers/Host"),
    ({"headers": {"X-A": "b\nc"}}, 422, "header-not-allowed", "/headers/X-A"),
    ({"signature": "v2"}, 400, "validation", "/signature"),
    ({"secret": "mine"}, 400, "validation", "/secret"),
]


async def test_what_is_wrong_with_an_endpoint_is_said_with_its_place(shop):
    fine = {"url": "https://127.0.0.1:8443/", "events": ["order.*"]}
    for change, status, slug, pointer in WRONG:
        answered = await shop.admin("POST", "/admin/webhooks", json={**fine, **change})
        problem = refused(answered, status, slug)
        assert [each["pointer"] for each in problem["errors"]] == [pointer]
        if slug == "unknown-event-type":
            assert problem["known"] == sorted(public_facts())
    assert await shop.count("webhooks_endpoint") == 0
    given(await shop.admin("POST", "/admin/webhooks", json=fine), 201)


async def test_reading_and_writing_are_different_permissions(shop):
    reader, other = await shop.token("webhooks:read"), await shop.token("orders:write")
    async with Receiver() as receiver:
        issued = await added(shop, receiver.url())
    path = f"/admin/webhooks/{issued['endpoint']['id']}"
    given(await shop.client.get(path, headers=reader))
    refused(await shop.client.get(path, headers=other), 403, "forbidden")
    refused(await shop.client.get(path), 401, "unauthenticated")
    for method, where in (
        ("POST", "/admin/webhooks"),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/test"),
        ("POST", f"{path}/rotate-secret"),
        ("POST", f"{path}/replay"),
        ("POST", f"{path}/disable"),
    ):
        answered = await shop.client.request(method, where, json={}, headers=reader)
        assert refused(answered, 403, "forbidden")["required_scope"] == "webhooks:write"
    without_key = {**await shop.token("webhooks:write")}
    body = {"url": "https://127.0.0.1:8443/", "events": ["order.*"]}
    refused(
        await shop.client.post("/admin/webhooks", json=body, headers=without_key),
        400,
        "idempotency-key-required",
    )


async def test_facts_that_can_be_asked_for_come_with_their_schema(shop):
    page = given(await shop.admin("GET", "/admin/webhooks/event-types"))
    found = {each["type"]: each for each in page["items"]}
    assert found.keys() == public_facts().keys()
    assert page["total"] == len(found) > 60
    placed = found["order.OrderPlaced"]
    assert placed["version"] == 1
    assert "order_id" in json.dumps(placed["schema"])
    assert not {name for name in found if name.endswith("Fact") or "._" in name}


async def test_whoever_runs_the_shop_gets_a_mail_when_an_endpoint_is_gone(shop):
    async with Receiver([answer(410)]) as receiver:
        await added(shop, receiver.url(), description="the ERP")
        await shop.placed((MUG, 1))
        await shop.settle()
        (mail,) = [each for each in shop.mails(receiver.url()) if each["to"] == "ops@shop.test"]
    assert mail["subject"] == f"Webhooks to {receiver.url()} are switched off"
    assert "wants no more messages (410)" in mail["text"]
    assert "the ERP" in mail["text"]

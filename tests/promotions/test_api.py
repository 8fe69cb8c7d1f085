"""Promotions over HTTP, for staff."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.promotions.sample import amounts, basket, line

SPRING = {
    "code": "spring",
    "name": {"en": "Spring", "zh": "春季"},
    "rule": "off",
    "config": {"percent": 10},
}


def key(value=None):
    return {"Idempotency-Key": value or str(uuid4())}


def slug(answer):
    return answer.json()["type"].rpartition("/")[2]


async def make(client, **changes):
    return await client.post("/admin/promotions", json={**SPRING, **changes}, headers=key())


async def test_a_promotion_is_made_and_at_work(client, promotions):
    made = await make(client, scope={"skus": ["sku-a"]}, coupons=["SAVE"], lane=300)
    assert made.status_code == 201, made.text
    shown = (await client.get("/admin/promotions/spring")).json()
    assert shown == made.json()
    assert (shown["config"]["percent"], shown["scope"]) == (10, {"skus": ["sku-a"]})
    where = basket(line("a", 1000), line("b", 1000), coupons=("SAVE",))
    assert amounts(await promotions.evaluate(where)) == [("spring", -100)]


async def test_one_key_makes_one_promotion(client):
    once = key()
    answers = [await client.post("/admin/promotions", json=SPRING, headers=once) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert (await make(client)).status_code == 409
    listed = (await client.get("/admin/promotions")).json()
    assert [each["code"] for each in listed["items"]] == ["spring"]


@pytest.mark.parametrize(
    ("changes", "status", "pointer"),
    [
        ({"rule": "uninstalled"}, 422, "/rule"),
        ({"config": {"percent": "ten"}}, 422, "/config/percent"),
        ({"config": {"colour": "red"}}, 422, "/config"),
        (
            {"starts_at": "2026-11-22T00:00:00Z", "ends_at": "2026-11-21T00:00:00Z"},
            422,
            "/ends_at",
        ),
        ({"starts_at": "2026-11-22T00:00:00"}, 400, "/starts_at"),
        ({"lane": 1000}, 400, "/lane"),
        ({"code": "Spring Sale"}, 400, "/code"),
        ({"name": {}}, 400, "/name"),
        ({"scope": {"moons": []}}, 400, "/scope/moons"),
        ({"coupons": [" "]}, 400, "/coupons/0"),
        ({"colour": "red"}, 400, "/colour"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_place(client, changes, status, pointer):
    answer = await make(client, **changes)
    assert answer.status_code == status, answer.text
    assert pointer in {error["pointer"].replace("/*", "/0") for error in answer.json()["errors"]}
    assert (await client.get("/admin/promotions")).json()["items"] == []


async def test_a_promotion_is_replaced_and_deleted_only_by_who_has_read_it(client, promotions):
    made = await make(client)
    path = "/admin/promotions/spring"
    body = {**{k: v for k, v in SPRING.items() if k != "code"}, "config": {"percent": 20}}
    assert (await client.put(path, json=body)).status_code == 428
    seen = {"If-Match": made.headers["etag"]}
    changed = await client.put(path, json=body, headers=seen)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert (await client.put(path, json=body, headers=seen)).status_code == 412
    assert (await client.delete(path, headers=seen)).status_code == 412
    where = basket(line("a", 1000))
    assert amounts(await promotions.evaluate(where)) == [("spring", -200)]
    seen = {"If-Match": changed.headers["etag"]}
    assert (await client.delete(path, headers=seen)).status_code == 204
    gone = await client.get(path)
    assert (gone.status_code, slug(gone)) == (404, "unknown-promotion")
    assert amounts(await promotions.evaluate(where)) == []


async def test_kinds_of_promotions_come_with_the_schema_of_their_settings(client):
    [rule] = (await client.get("/admin/promotions/rules")).json()["items"]
    assert (rule["code"], rule["plugin"], rule["version"]) == ("off", "test-plugin", "1.2.3")
    assert set(rule["schema"]["$defs"]["OffConfig"]["properties"]) == {
        "amount",
        "percent",
        "target",
        "minimum",
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/promotions"),
        ("GET", "/admin/promotions/rules"),
        ("GET", "/admin/promotions/spring"),
        ("POST", "/admin/promotions"),
        ("PUT", "/admin/promotions/spring"),
        ("DELETE", "/admin/promotions/spring"),
    ],
)
async def test_only_staff_with_the_scope_may(client, method, path):
    body = SPRING if method in {"PUT", "POST"} else None
    for token, status in (("nobody", 401), ("stranger", 403)):
        headers = {"Authorization": f"Bearer {token}", **key()}
        answer = await client.request(method, path, json=body, headers=headers)
        assert answer.status_code == status
    if method != "GET":
        headers = {"Authorization": "Bearer reader", **key()}
        assert (await client.request(method, path, json=body, headers=headers)).status_code == 403

from __future__ import annotations

import json

from tests.platform.http.test_problems import assert_problem

BODY = {"name": "build server", "scopes": ["orders:read"]}


async def create(client, headers, body=None, key="key-1"):
    return await client.post(
        "/admin/tokens", json=body or BODY, headers=headers | {"Idempotency-Key": key}
    )


async def test_token_is_made_shown_once_and_works(client, bearer):
    boss = await bearer("*:*")
    response = await create(client, boss, BODY | {"scopes": ["tokens:read"]})
    assert response.status_code == 201
    body = response.json()
    assert body["secret"].startswith(f"ck_live_{body['token']['handle']}_")
    made = {"Authorization": f"Bearer {body['secret']}"}
    page = (await client.get("/admin/tokens", headers=made)).json()
    assert [token["name"] for token in page["items"]] == ["build server", "test"]
    assert "secret" not in str(page)


async def test_retry_gives_the_same_token(client, bearer, database):
    boss = await bearer("*:*")
    first, second = await create(client, boss), await create(client, boss)
    assert first.content == second.content
    assert await database.fetchval("SELECT count(*) FROM identity_staff_token") == 2


async def test_key_is_required(client, bearer):
    response = await client.post("/admin/tokens", json=BODY, headers=await bearer("*:*"))
    assert_problem(response, 400, "idempotency-key-required")


async def test_granting_more_than_one_holds_is_forbidden(client, bearer, database):
    clerk = await bearer("tokens:write")
    assert_problem(await create(client, clerk, BODY | {"scopes": ["*:*"]}), 403, "scope-not-held")
    assert await database.fetchval("SELECT count(*) FROM identity_staff_token") == 1


async def test_revoked_token_is_401_on_the_next_call(client, bearer):
    boss = await bearer("*:*")
    body = (await create(client, boss, BODY | {"scopes": ["tokens:read"]})).json()
    made = {"Authorization": f"Bearer {body['secret']}"}
    assert (await client.get("/admin/tokens", headers=made)).status_code == 200
    gone = await client.delete(f"/admin/tokens/{body['token']['id']}", headers=boss)
    assert gone.status_code == 204
    assert_problem(await client.get("/admin/tokens", headers=made), 401, "unauthenticated")


async def test_expired_token_is_401(client, bearer, clock):
    headers = await bearer("*:*", expires_at=clock.now().replace(year=clock.now().year + 1))
    assert (await client.get("/admin/audit", headers=headers)).status_code == 200
    clock.advance(days=366)
    assert_problem(await client.get("/admin/audit", headers=headers), 401, "unauthenticated")


async def test_wrong_scope_is_403(client, bearer):
    headers = await bearer("tokens:read")
    assert_problem(await create(client, headers), 403, "forbidden")
    assert_problem(await client.get("/admin/audit", headers=headers), 403, "forbidden")


async def test_unknown_token_cannot_be_revoked(client, bearer):
    headers = await bearer("*:*")
    for name in ("01981111-2222-7333-8444-555555555555", "nonsense"):
        response = await client.delete(f"/admin/tokens/{name}", headers=headers)
        assert_problem(response, 404, "not-found")


async def test_role_in_the_body_is_refused(client, bearer):
    response = await create(client, await bearer("*:*"), BODY | {"role": "owner"})
    body = assert_problem(response, 400, "validation")
    assert body["errors"][0]["pointer"] == "/role"


async def test_audit_tells_what_was_done_with_which_request(client, bearer):
    boss = await bearer("*:*")
    made = await create(client, boss)
    (entry, *_) = (await client.get("/admin/audit", headers=boss)).json()["items"]
    assert entry["action"] == "tokens:create"
    assert entry["request_id"] == made.headers["x-request-id"]
    assert entry["actor"].startswith("token/")


async def test_audit_is_searched_and_exported_and_the_export_is_an_entry(client, bearer):
    boss = await bearer("*:*")
    await create(client, boss)
    made = await client.get("/admin/audit", params={"actor": "test"}, headers=boss)
    assert [e["action"] for e in made.json()["items"]] == ["tokens:create"]
    body = {"action": "tokens:*"}
    exported = await client.post("/admin/audit/export", json=body, headers=boss)
    assert exported.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in exported.text.splitlines()]
    assert [(line["number"], line["action"]) for line in lines] == [
        (1, "tokens:create"),
        (2, "tokens:create"),
    ]
    assert lines[1]["previous"] == lines[0]["hash"]
    (entry, *_) = (await client.get("/admin/audit", headers=boss)).json()["items"]
    assert (entry["action"], entry["details"]) == ("audit:export", {"action": "tokens:*"})


async def test_reading_the_trail_is_not_exporting_it(client, bearer):
    reader = await bearer("audit:read")
    refused = await client.post("/admin/audit/export", json={}, headers=reader)
    assert_problem(refused, 403, "forbidden")
    boss = await bearer("*:*")
    refused = await client.post("/admin/audit/export", json={"who": "me"}, headers=boss)
    assert_problem(refused, 400, "validation")
    page = await client.get("/admin/audit", params={"limit": 1}, headers=boss)
    moved = {"limit": 1, "cursor": page.json()["next_cursor"], "actor": "test"}
    assert_problem(await client.get("/admin/audit", params=moved, headers=boss), 400, "validation")

from __future__ import annotations

import asyncio

import pytest

from commercekit.customers.rules import masked_email
from tests.customers.conftest import PASSWORD
from tests.platform.http.test_problems import assert_problem

HOME = {
    "name": "Li Lei",
    "phone": "+8613800138000",
    "country": "CN",
    "city": "Shanghai",
    "line1": "88 Century Avenue",
}
WORK = HOME | {"line1": "1 Bund"}


async def add(client, address, **more):
    answer = await client.post("/store/me/addresses", json={"address": address, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def book(client):
    found = (await client.get("/store/me/addresses")).json()
    return [(each["address"]["line1"], each["is_default"]) for each in found]


async def test_address_book_keeps_one_first_choice(shopper, database):
    client = await shopper()
    home = await add(client, HOME)
    work = await add(client, WORK)
    assert await book(client) == [("88 Century Avenue", True), ("1 Bund", False)]
    path = f"/store/me/addresses/{work['id']}"
    body = {"address": WORK | {"line1": "2 Bund"}, "is_default": True}
    assert (await client.put(path, json=body)).status_code == 200
    assert await book(client) == [("2 Bund", True), ("88 Century Avenue", False)]
    assert (await client.delete(path)).status_code == 204
    assert await book(client) == [("88 Century Avenue", True)]
    assert_problem(await client.delete(path), 404, "not-found")
    stored = await database.fetchval("SELECT address FROM customers_address")
    assert b"Century" not in stored
    assert (await client.delete(f"/store/me/addresses/{home['id']}")).status_code == 204
    assert await book(client) == []


async def test_addresses_written_at_once_leave_one_first_choice(shopper, database):
    client = await shopper()
    await asyncio.gather(*(add(client, HOME, is_default=True) for _ in range(4)))
    assert [first for _, first in await book(client)] == [True, False, False, False]


async def test_nobody_touches_another_book(shopper, database):
    one, other = await shopper(), await shopper("han@example.com")
    home = await add(one, HOME)
    path = f"/store/me/addresses/{home['id']}"
    assert_problem(await other.put(path, json={"address": WORK}), 404, "not-found")
    assert_problem(await other.delete(path), 404, "not-found")
    assert await book(other) == []
    assert await book(one) == [("88 Century Avenue", True)]


async def test_full_book_refuses_one_more(shopper, customers, database, monkeypatch):
    monkeypatch.setattr("commercekit.customers.service.MAX_ADDRESSES", 2)
    client = await shopper()
    await add(client, HOME)
    await add(client, WORK)
    answer = await client.post("/store/me/addresses", json={"address": HOME})
    assert_problem(answer, 422, "too-many-addresses")
    assert len(await book(client)) == 2


async def test_own_routes_are_closed_to_guests_and_staff(open_client, staff):
    guest, boss = await open_client(), await staff("*:*")
    for client in (guest, boss):
        for method, path in (
            ("GET", "/store/me"),
            ("GET", "/store/me/addresses"),
            ("GET", "/store/me/export"),
            ("GET", "/store/me/sessions"),
        ):
            assert_problem(await client.request(method, path), 401, "unauthenticated")


@pytest.mark.parametrize("field", ["id", "customer_id", "role", "email_proven_at"])
async def test_fields_that_are_not_theirs_to_set_are_refused(shopper, field):
    client = await shopper()
    answer = await client.patch("/store/me", json={"name": "Han", field: "x"})
    assert_problem(answer, 400, "validation")
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"
    assert (await client.get("/store/me")).json()["name"] == "Li Lei"


async def test_export_holds_everything_and_nobody_elses(shopper, customers, staff):
    one, other = await shopper(), await shopper("han@example.com")
    await add(one, HOME)
    await add(other, WORK)
    answer = await one.get("/store/me/export")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    parts = answer.json()["parts"]
    assert parts["account"]["email"] == "li.lei@example.com"
    assert [each["address"]["line1"] for each in parts["customers"]["addresses"]] == [HOME["line1"]]
    assert len(parts["sessions"]) == 1
    assert "Bund" not in answer.text


async def test_deletion_leaves_nothing_personal_and_frees_the_address(shopper, database):
    client = await shopper()
    await add(client, HOME)
    wrong = await client.post("/store/me/deletion", json={"password": "not the password"})
    assert_problem(wrong, 401, "wrong-credentials")
    assert await book(client) == [("88 Century Avenue", True)]
    gone = await client.post("/store/me/deletion", json={"password": PASSWORD})
    assert gone.status_code == 204
    assert "clear-site-data" in gone.headers
    assert_problem(await client.get("/store/me"), 401, "unauthenticated")
    row = await database.fetchrow("SELECT email, email_index, name, password FROM identity_account")
    assert list(row) == [None] * 4
    assert await database.fetchval("SELECT count(*) FROM customers_address") == 0
    again = await shopper()
    assert await book(again) == []


async def test_staff_see_customers_masked_until_they_say_why(shopper, staff, database):
    await shopper()
    clerk, lead = await staff("customers:read"), await staff("customers:*")
    [customer] = (await clerk.get("/admin/customers")).json()["items"]
    assert (customer["email"], customer["name"]) == ("l***@example.com", "L***")
    found = await clerk.get("/admin/customers?email=LI.LEI@example.com")
    assert [each["id"] for each in found.json()["items"]] == [customer["id"]]
    path = f"/admin/customers/{customer['id']}/unmask"
    why = {"reason": "They called about a parcel"}
    assert_problem(await clerk.post(path, json=why), 403, "forbidden")
    assert_problem(await lead.post(path, json={"reason": "x"}), 400, "validation")
    assert await unmaskings(database) == []
    shown = await lead.post(path, json=why)
    assert shown.json()["email"] == "li.lei@example.com"
    assert await unmaskings(database) == [why["reason"]]


async def unmaskings(database):
    rows = await database.fetch(
        "SELECT reason FROM identity_audit_entry WHERE action = 'customers:unmask'"
    )
    return [row["reason"] for row in rows]


async def test_segments_are_made_joined_left_and_removed(shopper, staff, customers):
    await shopper()
    boss = await staff("segments:*", "customers:read")
    vip = {"code": "vip", "name": {"en": "VIP", "zh": "贵宾"}}
    assert (await boss.post("/admin/segments", json=vip)).status_code == 201
    assert_problem(await boss.post("/admin/segments", json=vip), 409, "segment-exists")
    [customer] = (await boss.get("/admin/customers")).json()["items"]
    member = f"/admin/segments/vip/members/{customer['id']}"
    for _ in range(2):
        assert (await boss.put(member)).status_code == 204
    assert (await boss.get("/admin/segments/vip/members")).json()["items"] == [customer["id"]]
    seen = (await boss.get(f"/admin/customers/{customer['id']}")).json()
    assert seen["segments"] == ["vip"]
    assert (await boss.delete(member)).status_code == 204
    assert (await boss.get("/admin/segments/vip/members")).json()["items"] == []
    await boss.put(member)
    assert (await boss.delete("/admin/segments/vip")).status_code == 204
    assert_problem(await boss.put(member), 404, "not-found")
    seen = (await boss.get(f"/admin/customers/{customer['id']}")).json()
    assert seen["segments"] == []


async def test_piccolo_declares_what_the_migration_made(database):
    from commercekit.customers.piccolo_app import APP_CONFIG
    from commercekit.platform.db import schema_drift

    async with database.unit_of_work() as uow:
        assert await schema_drift(uow.connection, APP_CONFIG.table_classes) == []


@pytest.mark.parametrize(
    ("email", "shown"), [("a@b.c", "a***@b.c"), ("li.lei@example.com", "l***@example.com")]
)
def test_an_address_shows_its_first_letter_and_its_host(email, shown):
    assert masked_email(email) == shown


async def test_whoever_is_limited_to_a_segment_knows_of_nobody_else(shopper, staff, database):
    boss, vips = await staff("*:*"), await staff("customers:*", "segments:*", segments=["vip"])
    ids = {}
    for name in ("li.lei", "han", "lucy"):
        client = await shopper(f"{name}@example.com")
        ids[name] = (await client.get("/store/me")).json()["id"]
    for code, members in (("vip", ("li.lei", "lucy")), ("staff", ("han",))):
        new = {"code": code, "name": {"en": code}}
        assert (await boss.post("/admin/segments", json=new)).status_code == 201
        for member in members:
            path = f"/admin/segments/{code}/members/{ids[member]}"
            assert (await boss.put(path)).status_code == 204

    page = (await vips.get("/admin/customers?limit=1")).json()
    assert [each["id"] for each in page["items"]] == [ids["lucy"]]
    page = (await vips.get(f"/admin/customers?limit=1&cursor={page['next_cursor']}")).json()
    assert ([each["id"] for each in page["items"]], page["next_cursor"]) == ([ids["li.lei"]], None)
    for name, found in (("han", 0), ("li.lei", 1), ("nobody", 0)):
        answer = (await vips.get(f"/admin/customers?email={name}@example.com")).json()
        assert len(answer["items"]) == found
    assert (await vips.get(f"/admin/customers/{ids['lucy']}")).status_code == 200
    hidden = f"/admin/customers/{ids['han']}"
    problem = assert_problem(await vips.get(hidden), 404, "not-found")
    absent = f"/admin/customers/{ids['han'][:-4]}0000"
    assert problem["detail"] == assert_problem(await vips.get(absent), 404, "not-found")["detail"]
    reason = {"reason": "a call about an order"}
    assert_problem(await vips.post(f"{hidden}/unmask", json=reason), 404, "not-found")
    looked = "SELECT count(*) FROM identity_audit_entry WHERE action = 'customers:unmask'"
    assert await database.fetchval(looked) == 0
    seen = await vips.post(f"/admin/customers/{ids['lucy']}/unmask", json=reason)
    assert (seen.status_code, seen.json()["email"]) == (200, "lucy@example.com")

    assert [each["code"] for each in (await vips.get("/admin/segments")).json()] == ["vip"]
    assert len((await vips.get("/admin/segments/vip/members")).json()["items"]) == 2
    assert_problem(await vips.get("/admin/segments/staff/members"), 404, "not-found")
    # Groups themselves, and who is in others, are not theirs to say.
    new = {"code": "more", "name": {"en": "More"}}
    foreign = f"/admin/segments/staff/members/{ids['han']}"
    for method, path, status, slug in (
        ("POST", "/admin/segments", 403, "forbidden"),
        ("DELETE", "/admin/segments/vip", 403, "forbidden"),
        ("PUT", foreign.replace(ids["han"], ids["lucy"]), 404, "not-found"),
        ("DELETE", foreign, 404, "not-found"),
        ("PUT", f"/admin/segments/none/members/{ids['han']}", 404, "not-found"),
        ("PUT", f"/admin/segments/vip/members/{ids['han'][:-4]}0000", 404, "not-found"),
    ):
        assert_problem(await vips.request(method, path, json=new), status, slug)
    assert (await boss.get("/admin/segments/staff/members")).json()["items"] == [ids["han"]]
    assert_problem(await vips.get(hidden), 404, "not-found")
    # Who is in theirs is, and every name that goes in or out is written down.
    into = f"/admin/segments/vip/members/{ids['han']}"
    assert (await vips.put(into)).status_code == 204
    assert (await vips.get(hidden)).status_code == 200
    assert (await vips.delete(into)).status_code == 204
    assert_problem(await vips.get(hidden), 404, "not-found")
    written = await database.fetch(
        "SELECT action FROM identity_audit_entry WHERE subject = $1 ORDER BY id DESC LIMIT 2",
        f"account/{ids['han']}",
    )
    assert [row["action"] for row in written] == ["segments:leave", "segments:join"]

"""Staff who need not know who the shopper is are not told, unless they say why."""

from __future__ import annotations

import pytest

from commercekit.identity import Client, NewAccount
from commercekit.kernel import Address
from commercekit.orders.rules import masked_address, masked_email
from commercekit.platform.security import Principal
from tests.shop import ADDRESS, EMAIL, MUG, TestShop, given, refused

WHY = {"reason": "The carrier asks for the flat"}


async def test_personal_data_is_shown_to_whoever_may_see_it(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1), note="Ring twice")
    path = f"/admin/orders/{order['number']}"
    clerk = await shop.token("orders:read")
    seen = await shop.client.get(path, headers=clerk)
    body = given(seen)
    assert body["is_masked"] is True
    assert body["email"] == f"{EMAIL[0]}***@***"
    assert (body["address"]["city"], body["address"]["line1"]) == (ADDRESS["city"], "***")
    for secret in (EMAIL, ADDRESS["name"], ADDRESS["phone"], ADDRESS["line1"], "Ring twice"):
        assert secret not in seen.text
    full = given(
        await shop.client.get(path, headers=await shop.token("orders:read", "personal:show"))
    )
    assert (full["is_masked"], full["email"], full["note"]) == (False, EMAIL, "Ring twice")
    assert full["address"] == ADDRESS


async def test_what_a_change_answers_is_masked_too(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    clerk = {**(await shop.token("orders:write")), "If-Match": "*", "Idempotency-Key": "k"}
    path = f"/admin/orders/{order['number']}"
    for method, verb, body in (
        ("PUT", "/tags", {"tags": ["x"]}),
        ("PATCH", "/extensions", {"extensions": {}}),
        ("POST", "/cancel", {"reason": "x"}),
    ):
        answer = await shop.client.request(method, path + verb, json=body, headers=clerk)
        assert given(answer)["is_masked"] is True
        assert EMAIL not in answer.text


async def test_unmasking_says_why_and_is_kept(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    path = f"/admin/orders/{order['number']}/personal"
    agent = await shop.token("orders:read", "personal:unmask")
    body = given(await shop.client.post(path, json=WHY, headers=agent))
    assert (body["is_masked"], body["email"]) == (False, EMAIL)
    (entry,) = given(await shop.admin("GET", "/admin/audit?action=personal:unmask"))["items"]
    assert entry["subject"] == f"order/{order['number']}"
    assert entry["reason"] == WHY["reason"]
    assert entry["actor"].startswith("token/")


@pytest.mark.parametrize(
    ("scopes", "body", "status", "slug"),
    [
        (("orders:read", "personal:unmask"), {}, 400, "validation"),
        (("orders:read", "personal:unmask"), {"reason": ""}, 400, "validation"),
        (("orders:*", "personal:show"), WHY, 403, "forbidden"),
    ],
)
async def test_without_a_reason_or_the_permission_nothing_is_unmasked(
    shop: TestShop, scopes: tuple[str, ...], body: dict[str, str], status: int, slug: str
) -> None:
    order = await shop.placed((MUG, 1))
    path = f"/admin/orders/{order['number']}/personal"
    answer = await shop.client.post(path, json=body, headers=await shop.token(*scopes))
    refused(answer, status, slug)
    assert EMAIL not in answer.text
    page = given(await shop.admin("GET", "/admin/audit?action=personal:unmask"))
    assert page["items"] == []


def test_nothing_of_a_person_is_left() -> None:
    address = Address(
        name="Wang Fang", phone="+8613800138000", country="CN", region="Shanghai", city="Shanghai",
        district="Pudong", line1="1 Century Avenue", line2="Flat 9", postcode="200120",
    )  # fmt: skip
    assert masked_address(address) == Address(
        name="W***", phone="+8600000000000", country="CN", region="Shanghai", city="Shanghai", line1="***"
    )  # fmt: skip
    assert masked_email("w@example.com") == "w***@***"


async def test_unmasking_asks_a_session_for_a_fresh_factor(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    path = f"/admin/orders/{order['number']}/personal"
    identity = shop.shop.identity
    agent = await identity.accounts.create_staff(
        Principal.system("cli"),
        NewAccount(email="agent@shop.example"),
        ["orders:read", "personal:unmask"],
        password="kites above the harbour",
    )
    async with shop.shop.db.unit_of_work() as uow:
        session = await identity.sessions.open(uow, agent, Client())
    cookie = {"Cookie": f"ck_staff={session.secret}"}
    assert given(await shop.client.post(path, json=WHY, headers=cookie))["email"] == EMAIL
    shop.clock.advance(minutes=6)
    answer = await shop.client.post(path, json=WHY, headers=cookie)
    refused(answer, 401, "step-up-required")
    assert EMAIL not in answer.text
    page = given(await shop.admin("GET", "/admin/audit?action=personal:unmask"))
    assert len(page["items"]) == 1

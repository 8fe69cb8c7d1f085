"""Every privileged act of staff is in the audit trail before it happens."""

from __future__ import annotations

import pytest

from tests.shop import MUG, TestShop, configuration, given, piccolo_apps, refused, shop

__all__ = ["configuration", "piccolo_apps", "shop"]


async def calls(shop: TestShop) -> list[tuple[str, str]]:
    """What was asked of the shop, latest first."""
    page = given(await shop.admin("GET", "/admin/audit?action=staff:call"))
    return [(entry["details"]["operation"], entry["subject"]) for entry in page["items"]]


async def test_a_change_is_written_down_and_a_look_is_not(shop: TestShop) -> None:
    given(await shop.admin("GET", "/admin/stock"))
    given(await shop.admin("POST", "/admin/orders/search", json={}))
    assert await calls(shop) == []
    answer = await shop.admin(
        "POST", f"/admin/stock/{MUG}/receipts", json={"quantity": 3, "reason": "delivery"}
    )
    given(answer, 201)
    (entry,) = given(await shop.admin("GET", "/admin/audit?action=staff:call"))["items"]
    assert entry["actor"].startswith("token/")
    assert entry["subject"] == f"/admin/stock/{MUG}/receipts"
    assert entry["request_id"] == answer.headers["x-request-id"]
    assert entry["details"] == {
        "method": "POST",
        "operation": "AdminReceiveStock",
        "permission": "stock:write",
    }


async def test_who_may_not_act_leaves_no_entry_of_an_act(shop: TestShop) -> None:
    reader = await shop.token("stock:read")
    path = f"/admin/stock/{MUG}/receipts"
    refused(await shop.client.post(path, json={"quantity": 3}, headers=reader), 403, "forbidden")
    assert await calls(shop) == []


async def test_what_cannot_be_written_down_does_not_happen(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: object) -> None:
        message = "the disk is full"
        raise OSError(message)

    monkeypatch.setattr(shop.shop.identity.audit, "note", full)
    answer = await shop.admin("POST", f"/admin/stock/{MUG}/receipts", json={"quantity": 3})
    assert answer.status_code >= 500
    assert await shop.stock(MUG) == (100, 0)

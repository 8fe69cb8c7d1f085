"""The plugin in a shop: from choosing a paper to a wrapped order."""

from __future__ import annotations

from tests.shop import MUG, given, refused


async def test_a_paid_order_with_a_paper_is_wrapped_and_says_so(gift_shop):
    order = await gift_shop.paid((MUG, 1), extensions={"gift-wrap": {"paper": "stars"}})
    plain = await gift_shop.paid((MUG, 1))
    assert order["extensions"] == {"gift-wrap": {"paper": "stars"}}
    waiting = given(await gift_shop.admin("GET", "/plugins/gift-wrap/wraps"))
    assert [(each["number"], each["paper"]) for each in waiting] == [(order["number"], "stars")]
    path = f"/plugins/gift-wrap/wraps/{order['number']}/done"
    wrapped = given(await gift_shop.admin("POST", path))
    seen = await gift_shop.read(order)
    assert seen["extensions"]["gift-wrap"]["wrapped_at"] == wrapped["wrapped_at"]
    assert await gift_shop.count("gift_wrap_paper WHERE code = 'stars' AND sheets = 19") == 1
    refused(await gift_shop.admin("POST", path), 404, "not-found")
    await gift_shop.settle()
    found = given(await gift_shop.admin("GET", "/admin/orders?extensions.gift-wrap.paper=stars"))
    assert [each["number"] for each in found["items"]] == [order["number"]]
    assert plain["extensions"] == {"gift-wrap": {"paper": "none"}}


async def test_without_paper_nothing_is_wrapped(gift_shop):
    order = await gift_shop.paid((MUG, 1), extensions={"gift-wrap": {"paper": "stars"}})
    await gift_shop.shop.db.execute("UPDATE gift_wrap_paper SET sheets = 0")
    path = f"/plugins/gift-wrap/wraps/{order['number']}/done"
    refused(await gift_shop.admin("POST", path), 409, "conflict")
    assert "wrapped_at" not in (await gift_shop.read(order))["extensions"]["gift-wrap"]


async def test_papers_are_named_in_the_readers_language(gift_shop):
    headers = {"Accept-Language": "zh-CN"}
    papers = given(await gift_shop.client.get("/plugins/gift-wrap/papers", headers=headers))
    assert papers == [
        {"code": "plain", "name": "素色包装纸"},
        {"code": "stars", "name": "星星包装纸"},
    ]
    assert gift_shop.shop.surface.missing_texts() == {}


async def test_staff_without_the_permission_see_neither_the_page_nor_the_list(gift_shop):
    headers = await gift_shop.token("console:read", "orders:*")
    assert given(await gift_shop.client.get("/admin/console/pages", headers=headers)) == []
    answer = await gift_shop.client.get("/plugins/gift-wrap/wraps", headers=headers)
    refused(answer, 403, "forbidden")
    (page,) = given(await gift_shop.admin("GET", "/admin/console/pages"))
    script = await gift_shop.client.get(page["asset"])
    assert script.text.startswith("export default")

"""Row 57: whoever steals the database, the queue or the cache reads no personal field there."""

from __future__ import annotations

import base64

from tests.security.dumps import dump, seen, spellings
from tests.shop import MUG, SHIRT, TestShop, given

NAME = "Canaria Vogelsang"
PHONE = "+8613911112222"
STREET = "4711 Canary Wharf Lane"
MAIL = "canary.person@example.org"
NOTE = "leave it with the canary"
REASON = "the canary died in it"
STAFF_NOTE = "she keeps canaries"
HOOK = "whsec-canary-header-value"
CANARIES = (NAME, PHONE, STREET, MAIL, NOTE, REASON, STAFF_NOTE, HOOK)
ADDRESS = {
    "name": NAME,
    "phone": PHONE,
    "country": "CN",
    "region": "Shanghai",
    "city": "Shanghai",
    "line1": STREET,
}


def test_a_canary_is_found_however_it_is_spelt():
    for spelt in (MAIL.encode(), MAIL.encode().hex().encode()):
        assert seen({"t": b"x" + spelt + b"y"}, CANARIES) == [("t", MAIL)]
    for offset in range(3):
        hidden = base64.b64encode(b"?" * offset + MAIL.encode() + b"tail")
        assert seen({"t": hidden}, CANARIES) == [("t", MAIL)], offset
    assert seen({"t": b"nothing"}, CANARIES) == []
    assert all(len(each) > 8 for each in spellings(MAIL))


async def test_no_personal_field_lies_in_clear_anywhere(shop: TestShop) -> None:
    cart = await shop.cart((SHIRT, 1))
    given(await cart.ask("PUT", "/address", json=ADDRESS))
    order = await shop.paid((SHIRT, 1), (MUG, 2), address=ADDRESS, email=MAIL, note=NOTE)
    number = order["number"]
    given(await shop.admin("POST", f"/admin/orders/{number}/notes", json={"text": STAFF_NOTE}), 201)
    given(await shop.ship(order), 201)
    await shop.settle()
    line = order["lines"][0]["id"]
    body = {"lines": [{"line_id": line, "quantity": 1}], "shipping": False, "reason": REASON}
    given(await shop.ask("POST", order, "/refund-requests", json=body), 201)
    registered = await shop.client.post(
        "/store/auth/register",
        json={"email": MAIL, "password": "canary battery staple", "name": NAME},
    )
    assert registered.status_code == 201, registered.text
    await shop.settle()
    # Last, and nothing is settled any more: it is called by nobody.
    hook = {
        "url": "https://8.8.8.8/in",
        "events": ["order.OrderPlaced"],
        "headers": {"X-Key": HOOK},
    }
    given(await shop.admin("POST", "/admin/webhooks", json=hook), 201)

    dumped = await dump(shop)
    assert len(dumped) > 30
    assert "public.orders_order" in str(dumped.keys()) or any(
        "orders_order" in each for each in dumped
    )
    assert seen(dumped, (*CANARIES, "canary battery staple")) == []
    # They are there, for those who may read them.
    read = await shop.read(order)
    assert read["address"]["phone"] == PHONE

"""What people write comes back as data: no answer of the shop is a page that a browser would run."""

from __future__ import annotations

from tests.shop import ADDRESS, MUG, configuration, given, piccolo_apps, shop

__all__ = ["configuration", "piccolo_apps", "shop"]

SCRIPT = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
LINK = "<a href='javascript:alert(3)'>open</a><svg onload=alert(4)>"
KINDS = ("application/json", "text/csv", "application/xml", "application/rss+xml")


async def test_what_was_written_comes_back_as_data_and_never_as_a_page(shop):
    texts = {"en": SCRIPT, "zh": LINK}
    brand = given(
        await shop.admin("POST", "/admin/brands", json={"slug": "acme", "name": texts}), 201
    )
    new = {
        "slug": "jug",
        "name": texts,
        "description": {"en": f"<p>Soft</p>{SCRIPT}{LINK}"},
        "type": SCRIPT[:60],
        "tags": [SCRIPT],
        "seo_title": texts,
        "status": "active",
        "brand_id": brand["id"],
        "images": [{"url": "https://pictures.example/jug.webp", "alt": texts}],
        "variants": [{"sku": "JUG", "barcode": SCRIPT}],
    }
    product = given(await shop.admin("POST", "/admin/products", json=new), 201)
    assert "<p>Soft</p>" in product["description"]["en"]
    for wicked in ("onerror", "<script", "javascript:", "onload", "alert(2)"):
        assert wicked not in product["description"]["en"], wicked

    order = await shop.placed(
        (MUG, 1), note=SCRIPT, address=ADDRESS | {"name": SCRIPT, "line1": LINK}
    )
    note = {"text": SCRIPT}
    await shop.admin("POST", f"/admin/orders/{order['number']}/notes", json=note)
    login = {"email": "li.lei@example.com", "password": "paper boats on a lake"}
    given(await shop.client.post("/store/auth/register", json=login | {"name": SCRIPT}), 201)
    given(await shop.client.post("/store/auth/login", json=login))
    await shop.settle()

    token = {"X-Order-Token": order["token"]}
    told = 0
    for path, headers in (
        ("/store/products", {}),
        ("/store/products/jug", {}),
        ("/store/products?q=<script>", {}),
        ("/store/brands", {}),
        ("/store/me", {}),
        ("/store/me/export", {}),
        (f"/store/orders/{order['number']}", token),
        ("/store/<script>alert(1)</script>", {}),
    ):
        told += check(await shop.client.get(path, headers=headers))
    for path in (
        f"/admin/products/{product['id']}",
        f"/admin/products/{product['id']}/history",
        "/admin/products/export",
        "/admin/orders",
        f"/admin/orders/{order['number']}",
        "/admin/orders/export",
        "/admin/customers",
        "/admin/audit",
    ):
        told += check(await shop.admin("GET", path))
    assert told >= 5, "what was written is told again"


def check(answer) -> bool:
    """Whether what was written is in the answer, which no browser takes for a page."""
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in KINDS or kind == "application/problem+json", answer.url
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    if kind != "application/json":
        disposition = answer.headers.get("content-disposition", "")
        assert kind == "application/problem+json" or disposition.startswith("attachment")
    return "onerror" in answer.text

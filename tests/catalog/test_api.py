"""The catalogue over HTTP: guarded, versioned, strict."""

from __future__ import annotations

import httpx
import pytest
import pytest_asyncio

from commercekit.catalog import ExportProducts
from commercekit.catalog.api import controllers
from commercekit.kernel import new_id
from commercekit.platform.http import Cursors, build_litestar
from commercekit.platform.security import Principal

MUG = {
    "slug": "mug",
    "name": {"en": "Mug"},
    "status": "active",
    "options": [
        {
            "code": "Size",
            "name": {"en": "Size"},
            "values": [{"code": "S", "label": {"en": "S"}}, {"code": "L", "label": {"en": "L"}}],
        }
    ],
    "variants": [{"options": {"Size": "S"}}],
}


class NoOffers:
    """A shop that has neither prices nor stock yet."""

    async def offers(self, skus):
        return {}


@pytest_asyncio.fixture
async def app(catalog, database):
    tokens = {
        "writer": Principal(id="w", scopes=frozenset({"catalog:*"})),
        "reader": Principal(id="r", scopes=frozenset({"catalog:read"})),
        "other": Principal(id="o", scopes=frozenset({"orders:*"})),
    }

    async def authenticate(token):
        return tokens.get(token)

    return build_litestar(
        controllers=controllers,
        dependencies={
            "bulk": None,
            "catalog": catalog,
            "exports": ExportProducts(database, catalog, NoOffers()),
        },
        authenticator=authenticate,
        cursors=Cursors(b"k" * 32),
    )


@pytest.fixture
def as_(app):
    def client(token):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://shop.example", headers=headers
        )

    return client


@pytest_asyncio.fixture
async def staff(as_):
    async with as_("writer") as client:
        yield client


def pointers(answer):
    return [(error["pointer"], error["code"]) for error in answer.json()["errors"]]


@pytest.mark.parametrize("path", ["products", "variants", "brands", "categories"])
async def test_without_a_token_nothing_is_shown(as_, path):
    async with as_(None) as nobody, as_("other") as other:
        assert (await nobody.get(f"/admin/{path}")).status_code == 401
        assert (await other.get(f"/admin/{path}")).status_code == 403


async def test_readers_do_not_write(as_, staff, database):
    made = (await staff.post("/admin/products", json=MUG)).json()
    async with as_("reader") as reader:
        assert (await reader.get("/admin/products")).status_code == 200
        refused = [
            await reader.post("/admin/products", json={**MUG, "slug": "cup"}),
            await reader.patch(
                f"/admin/products/{made['id']}", json={"type": "x"}, headers={"if-match": '"1"'}
            ),
            await reader.delete(f"/admin/products/{made['id']}", headers={"if-match": '"1"'}),
            await reader.post(f"/admin/products/{made['id']}/archive"),
            await reader.post("/admin/brands", json={"slug": "b", "name": {"en": "B"}}),
            await reader.post("/admin/categories", json={"slug": "c", "name": {"en": "C"}}),
        ]
    assert [answer.status_code for answer in refused] == [403] * 6
    assert await database.fetchval("SELECT count(*) FROM catalog_product") == 1
    assert await database.fetchval("SELECT version FROM catalog_product") == 1
    assert await database.fetchval("SELECT count(*) FROM catalog_brand") == 0


async def test_a_product_is_created_read_changed_and_deleted(staff):
    created = await staff.post("/admin/products", json=MUG)
    assert created.status_code == 201, created.text
    product = created.json()
    assert created.headers["etag"] == '"1"'
    assert created.headers["location"] == f"/admin/products/{product['id']}"
    assert product["variants"][0]["sku"] == "MUG-S"
    read = await staff.get(created.headers["location"])
    assert read.json() == product
    changed = await staff.patch(
        f"/admin/products/{product['id']}",
        json={"name": {"en": "Cup"}},
        headers={"if-match": '"1"'},
    )
    assert (changed.status_code, changed.json()["name"]) == (200, {"en": "Cup"})
    assert changed.headers["etag"] == '"2"'
    gone = await staff.delete(f"/admin/products/{product['id']}", headers={"if-match": '"2"'})
    assert gone.status_code == 204
    assert (await staff.get(f"/admin/products/{product['id']}")).status_code == 404


@pytest.mark.parametrize("verb", ["patch", "delete"])
async def test_changes_say_what_they_change(staff, verb):
    product = (await staff.post("/admin/products", json=MUG)).json()
    variant = product["variants"][0]
    for path in (f"products/{product['id']}", f"variants/{variant['id']}"):
        body = {"json": {}} if verb == "patch" else {}
        call = getattr(staff, verb)
        blind = await call(f"/admin/{path}", **body)
        assert (blind.status_code, blind.json()["type"]) == (428, "/problems/precondition-required")
        stale = await call(f"/admin/{path}", headers={"if-match": '"7"'}, **body)
        assert (stale.status_code, stale.json()["type"]) == (412, "/problems/precondition-failed")
    assert (await staff.get(f"/admin/products/{product['id']}")).json() == product


async def test_taken_slugs_and_skus_are_conflicts(staff):
    await staff.post("/admin/products", json=MUG)
    again = await staff.post("/admin/products", json=MUG)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/slug-taken")
    other = {"slug": "cup", "name": {"en": "Cup"}, "variants": [{"sku": "MUG-S"}]}
    taken = await staff.post("/admin/products", json=other)
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/sku-taken")
    assert taken.json()["sku"] == "MUG-S"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"colour": "red"}, "/colour"),
        ({"slug": "Not A Slug"}, "/slug"),
        ({"slug": "-mug"}, "/slug"),
        ({"slug": 5}, "/slug"),
        ({"status": "gone"}, "/status"),
        ({"name": {"english!": "x"}}, ""),
        ({"variants": [{"sku": "A", "price": 5}]}, "/variants/0/price"),
        ({"variants": [{"sku": "A", "weight_grams": -1}]}, "/variants/0/weight_grams"),
        ({"variants": [{"sku": "A", "weight_grams": "5"}]}, "/variants/0/weight_grams"),
        ({"images": [{"url": "javascript:alert(1)"}]}, "/images/0/url"),
        ({"options": [{"code": "", "values": [{"code": "x"}]}]}, "/options/0/code"),
        ({"options": [{"code": "A", "values": []}]}, "/options/0/values"),
        ({"brand_id": "none"}, "/brand_id"),
    ],
)
async def test_malformed_input_is_400_and_names_the_place(staff, database, change, pointer):
    answer = await staff.post("/admin/products", json={**MUG, **change})
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert await database.fetchval("SELECT count(*) FROM catalog_product") == 0


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"name": {"en": "  "}}, ("/name", "required")),
        ({"variants": []}, ("/status", "no-variants")),
        ({"brand_id": str(new_id())}, ("/brand_id", "unknown-brand")),
        ({"category_ids": [str(new_id())]}, ("/category_ids/0", "unknown-category")),
        ({"variants": [{"options": {"Size": "XL"}}]}, ("/variants/0/options", "not-a-combination")),
        (
            {"variants": [{"options": {"Size": "S"}}, {"options": {"Size": "S"}}]},
            ("/variants/1/options", "duplicate-combination"),
        ),
        (
            {"options": [{"code": c, "values": [{"code": "x"}]} for c in "ABCD"], "variants": []},
            ("/options", "too-many"),
        ),
    ],
)
async def test_what_makes_no_product_is_422(staff, database, change, fault):
    answer = await staff.post("/admin/products", json={**MUG, **change})
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == "/problems/product-refused"
    assert fault in pointers(answer)
    assert await database.fetchval("SELECT count(*) FROM catalog_product") == 0


async def test_a_sku_is_no_field_to_change(staff):
    product = (await staff.post("/admin/products", json=MUG)).json()
    path = f"/admin/variants/{product['variants'][0]['id']}"
    answer = await staff.patch(path, json={"sku": "NEW"}, headers={"if-match": '"1"'})
    assert answer.status_code == 400
    assert (await staff.get(path)).json()["sku"] == "MUG-S"


async def test_variants_are_added_listed_changed_and_removed(staff):
    product = (await staff.post("/admin/products", json=MUG)).json()
    added = await staff.post(
        f"/admin/products/{product['id']}/variants", json={"sku": "BIG", "options": {"Size": "L"}}
    )
    assert (added.status_code, added.headers["etag"]) == (201, '"1"')
    listed = (await staff.get("/admin/variants", params={"limit": 1})).json()
    assert [v["sku"] for v in listed["items"]] == ["BIG"]
    rest = await staff.get("/admin/variants", params={"limit": 1, "cursor": listed["next_cursor"]})
    assert [v["sku"] for v in rest.json()["items"]] == ["MUG-S"]
    assert rest.json()["next_cursor"] is None
    by_sku = (await staff.get("/admin/variants", params={"sku": "BIG"})).json()["items"]
    assert [v["id"] for v in by_sku] == [added.json()["id"]]
    path = added.headers["location"]
    changed = await staff.patch(path, json={"weight_grams": 400}, headers={"if-match": '"1"'})
    assert (changed.json()["weight_grams"], changed.headers["etag"]) == (400, '"2"')
    assert (await staff.delete(path, headers={"if-match": '"2"'})).status_code == 204
    assert (await staff.get(path)).status_code == 404
    last = f"/admin/variants/{product['variants'][0]['id']}"
    refused = await staff.delete(last, headers={"if-match": '"1"'})
    assert (refused.status_code, pointers(refused)) == (422, [("/status", "no-variants")])


async def test_products_are_listed_in_pages_with_filters(staff):
    for n in range(3):
        await staff.post("/admin/products", json={"slug": f"p{n}", "name": {"en": f"P {n}"}})
    await staff.post("/admin/products", json=MUG)
    first = (await staff.get("/admin/products?limit=2")).json()
    assert [p["slug"] for p in first["items"]] == ["mug", "p2"]
    second = await staff.get("/admin/products", params={"limit": 2, "cursor": first["next_cursor"]})
    assert [p["slug"] for p in second.json()["items"]] == ["p1", "p0"]
    assert second.json()["next_cursor"] is None
    active = (await staff.get("/admin/products?status=active")).json()
    assert [p["slug"] for p in active["items"]] == ["mug"]
    assert (await staff.get("/admin/products?status=gone")).status_code == 400
    assert (await staff.get("/admin/products?limit=101")).status_code == 400
    assert (await staff.get("/admin/products?colour=red")).status_code == 400
    stolen = await staff.get(
        "/admin/products", params={"status": "draft", "cursor": first["next_cursor"]}
    )
    assert stolen.status_code == 400


async def test_archiving_twice_is_once(staff):
    product = (await staff.post("/admin/products", json=MUG)).json()
    for _ in range(2):
        answer = await staff.post(f"/admin/products/{product['id']}/archive")
        assert (answer.status_code, answer.json()["status"]) == (200, "archived")
        assert answer.headers["etag"] == '"2"'


async def test_brands_and_categories_over_http(staff):
    brand = await staff.post("/admin/brands", json={"slug": "kiln", "name": {"en": "Kiln"}})
    assert (brand.status_code, brand.headers["etag"]) == (201, '"1"')
    renamed = await staff.patch(
        brand.headers["location"], json={"name": {"en": "Oven"}}, headers={"if-match": '"1"'}
    )
    assert renamed.json()["name"] == {"en": "Oven"}
    assert [b["slug"] for b in (await staff.get("/admin/brands")).json()["items"]] == ["kiln"]
    used = {"slug": "mug", "name": {"en": "Mug"}, "brand_id": brand.json()["id"]}
    await staff.post("/admin/products", json=used)
    kept = await staff.delete(brand.headers["location"], headers={"if-match": '"2"'})
    assert (kept.status_code, kept.json()["type"]) == (409, "/problems/brand-in-use")

    home = await staff.post("/admin/categories", json={"slug": "home", "name": {"en": "Home"}})
    cups = await staff.post(
        "/admin/categories",
        json={"slug": "cups", "name": {"en": "Cups"}, "parent_id": home.json()["id"]},
    )
    ring = await staff.patch(
        home.headers["location"],
        json={"parent_id": cups.json()["id"]},
        headers={"if-match": '"1"'},
    )
    assert (ring.status_code, pointers(ring)) == (422, [("/parent_id", "ring")])
    full = await staff.delete(home.headers["location"], headers={"if-match": '"1"'})
    assert (full.status_code, full.json()["type"]) == (409, "/problems/category-in-use")
    listed = (await staff.get("/admin/categories")).json()
    assert {c["slug"]: c["parent_id"] for c in listed["items"]} == {
        "home": None,
        "cups": home.json()["id"],
    }
    assert listed["total"] == 2
    empty = await staff.delete(cups.headers["location"], headers={"if-match": '"1"'})
    assert empty.status_code == 204
    assert (await staff.get(cups.headers["location"])).status_code == 404


async def test_a_body_that_is_no_json_is_415(staff):
    answer = await staff.post(
        "/admin/products", content=b"slug=mug", headers={"content-type": "text/plain"}
    )
    assert answer.status_code == 415


async def test_the_export_streams_every_product_as_a_file(as_, staff):
    await staff.post("/admin/products", json=MUG)
    answer = await staff.get("/admin/products/export?language=zh")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="products.csv"'
    assert answer.headers["cache-control"] == "no-store"
    header, first, end = answer.text.split("\r\n")
    assert "Title [en]" in header
    assert first.startswith("mug,")
    assert end == ""
    assert (await staff.get("/admin/products/export?language=x*")).status_code == 400
    async with as_("other") as other, as_(None) as nobody:
        assert (await other.get("/admin/products/export")).status_code == 403
        assert (await nobody.get("/admin/products/export")).status_code == 401


async def test_a_category_moves_over_http(staff):
    made = [
        (await staff.post("/admin/categories", json={"slug": s, "name": {"en": s}})).json()
        for s in "abc"
    ]
    address = f"/admin/categories/{made[2]['id']}/move"
    body = {"parent_id": None, "position": 0}
    assert (await staff.post(address, json=body)).status_code == 428
    stale = await staff.post(address, json=body, headers={"if-match": '"9"'})
    assert stale.status_code == 412
    moved = await staff.post(address, json=body, headers={"if-match": '"1"'})
    assert (moved.status_code, moved.json()["position"], moved.headers["etag"]) == (200, 0, '"2"')
    ring = await staff.post(address, json={"parent_id": made[2]["id"]}, headers={"if-match": '"2"'})
    assert (ring.status_code, pointers(ring)) == (422, [("/parent_id", "ring")])
    listed = (await staff.get("/admin/categories")).json()["items"]
    assert [each["slug"] for each in listed] == ["c", "a", "b"]

"""Fields that a plugin adds: written through the API, kept in the row, shown to whom they are for."""

from __future__ import annotations

import re
import zipfile
from typing import Annotated, Literal
from uuid import UUID

import pytest
import pytest_asyncio
from msgspec import Meta, Struct

from commercekit.app import CatalogueArchive
from commercekit.errors import ConfigurationError, NotFound
from commercekit.orders import OrderExtended
from commercekit.platform.extensions import (
    Audience,
    ExtensionField,
    ExtensionInvalid,
    FieldIndexes,
    Writer,
)
from tests.app.plugged import bringing, configured, opened
from tests.shop import MUG, SHIRT, cny, events, given, refused


class Care(Struct, forbid_unknown_fields=True):
    degrees: Annotated[int, Meta(ge=0, le=95)]
    tumble_dry: bool = False


Paper = Literal["plain", "stars", "flowers"]


def field(entity, name, kind=str, **more):
    return ExtensionField(entity=entity, name=name, type=kind, label={"en": name}, **more)


FIELDS = [
    field(
        "product",
        "material",
        Annotated[str, Meta(max_length=20)],
        indexed=True,
        visible=Audience.STORE,
    ),
    field("product", "care", Care, visible=Audience.STORE),
    field("product", "supplier_rating", int, indexed=True, default=3),
    field("variant", "box", Literal["S", "M", "L"], visible=Audience.STORE, indexed=True),
    field(
        "cart",
        "paper",
        Paper,
        default="plain",
        visible=Audience.STORE,
        writable=Writer.STORE,
        indexed=True,
    ),
    field("cart", "channel", str, writable=Writer.PLUGIN),
    field("order", "wrapped_by", str, writable=Writer.PLUGIN),
    field("order", "shelf", str),
]
ACME = bringing(register_extension_fields=FIELDS)


@pytest_asyncio.fixture
async def shop(dsn, clock, tmp_path):
    async with opened(dsn, clock, tmp_path, ACME) as shop:
        yield shop


async def product(shop, slug="shirt"):
    return await shop.shop.catalog.product_by_slug(slug)


async def extend(shop, slug, values, status=200):
    found = await product(shop, slug)
    answer = await shop.admin(
        "PATCH",
        f"/admin/products/{found.id}",
        json={"extensions": values},
        headers={"If-Match": f'"{found.version}"'},
    )
    assert answer.status_code == status, answer.text
    return answer


# --------------------------------------------------------------------------------------- products


async def test_a_value_is_kept_beside_the_product_and_shown_under_the_plugins_code(shop):
    before = await product(shop)
    answer = await extend(shop, "shirt", {"acme": {"material": "linen", "care": {"degrees": 30}}})
    assert answer.json()["extensions"] == {
        "acme": {
            "material": "linen",
            "care": {"degrees": 30, "tumble_dry": False},
            "supplier_rating": 3,
        }
    }
    assert answer.headers["etag"] == f'"{before.version + 1}"'
    read = given(await shop.client.get("/store/products/shirt"))
    assert read["extensions"] == {
        "acme": {"material": "linen", "care": {"degrees": 30, "tumble_dry": False}}
    }


async def test_what_is_not_named_stays_and_null_takes_away(shop):
    await extend(shop, "shirt", {"acme": {"material": "linen", "supplier_rating": 5}})
    await extend(shop, "shirt", {"acme": {"material": None}})
    assert (await product(shop)).extensions == {"acme": {"supplier_rating": 5}}
    await extend(shop, "shirt", {"acme": None})
    assert (await product(shop)).extensions == {}
    assert (
        await shop.shop.db.fetchval(
            "SELECT count(*) FROM catalog_product WHERE extensions IS NOT NULL"
        )
        == 0
    )


async def test_writing_the_same_value_again_changes_neither_version_nor_history(shop):
    await extend(shop, "shirt", {"acme": {"material": "linen"}})
    version = (await product(shop)).version
    await extend(shop, "shirt", {"acme": {"material": "linen"}})
    assert (await product(shop)).version == version
    history = given(await shop.admin("GET", f"/admin/products/{(await product(shop)).id}/history"))
    assert history["items"][0]["diff"] == {"extensions": [{}, {"acme": {"material": "linen"}}]}


async def test_other_changes_of_a_product_and_imports_leave_the_values_alone(shop):
    await extend(shop, "shirt", {"acme": {"material": "linen"}})
    found = await product(shop)
    await shop.admin(
        "PATCH",
        f"/admin/products/{found.id}",
        json={"tags": ["summer"]},
        headers={"If-Match": f'"{found.version}"'},
    )
    assert (await product(shop)).extensions == {"acme": {"material": "linen"}}


@pytest.mark.parametrize(
    ("values", "status", "pointer", "code"),
    [
        ({"acme": {"material": 7}}, 400, "/extensions/acme/material", "wrong-type"),
        ({"acme": {"material": "x" * 21}}, 400, "/extensions/acme/material", "too-long"),
        ({"acme": {"care": {"degrees": 96}}}, 400, "/extensions/acme/care/degrees", "too-large"),
        (
            {"acme": {"care": {"degrees": 9, "a": 1}}},
            400,
            "/extensions/acme/care/a",
            "unknown-field",
        ),
        ({"acme": {"colour": "red"}}, 400, "/extensions/acme/colour", "unknown-field"),
        ({"other": {"material": "x"}}, 400, "/extensions/other", "unknown-field"),
        ({"a/b": {}}, 400, "/extensions/a~1b", "unknown-field"),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_place_and_nothing_is_written(
    shop, values, status, pointer, code
):
    version = (await product(shop)).version
    answer = await extend(shop, "shirt", values, status)
    problem = refused(answer, status, "validation")
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [(pointer, code)]
    assert (await product(shop)).version == version


async def test_sixteen_kilobytes_are_the_most_that_one_plugin_keeps_on_one_thing(
    dsn, clock, tmp_path
):
    plugin = bringing(register_extension_fields=[field("product", "text")])
    async with opened(dsn, clock, tmp_path, plugin) as shop:
        await extend(shop, "shirt", {"acme": {"text": "x" * 16_000}})
        answer = await extend(shop, "shirt", {"acme": {"text": "x" * 16_400}}, 422)
        assert refused(answer, 422, "extension-refused")["errors"][0]["code"] == "too-long"


async def test_a_product_is_made_with_its_required_fields_or_not_at_all(dsn, clock, tmp_path):
    plugin = bringing(register_extension_fields=[field("product", "origin", required=True)])
    async with configured_shop(dsn, clock, tmp_path, plugin) as shop:
        body = {"slug": "tea", "name": {"en": "Tea"}}
        problem = refused(
            await shop.admin("POST", "/admin/products", json=body), 422, "extension-refused"
        )
        assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [
            ("/extensions/acme/origin", "missing")
        ]
        body["extensions"] = {"acme": {"origin": "CN"}}
        made = given(await shop.admin("POST", "/admin/products", json=body), 201)
        assert made["extensions"] == {"acme": {"origin": "CN"}}
        answer = await extend(shop, "tea", {"acme": {"origin": None}}, 422)
        assert refused(answer, 422, "extension-refused")["errors"][0]["code"] == "missing"


def configured_shop(dsn, clock, tmp_path, plugin):
    """Goods are sold through the service, which asks as staff would; here they need a field."""
    return opened(dsn, clock, tmp_path, plugin, goods=False)


async def test_variants_have_fields_of_their_own_and_shoppers_read_them_beside_the_variant(shop):
    shirt = await product(shop)
    variant = shirt.variants[0]
    answer = await shop.admin(
        "PATCH",
        f"/admin/variants/{variant.id}",
        json={"extensions": {"acme": {"box": "L"}}},
        headers={"If-Match": f'"{variant.version}"'},
    )
    assert given(answer)["extensions"] == {"acme": {"box": "L"}}
    read = given(await shop.client.get("/store/products/shirt"))
    assert [v["extensions"] for v in read["variants"]] == [{"acme": {"box": "L"}}]
    found = given(await shop.admin("GET", "/admin/variants?extensions.acme.box=L"))
    assert [v["sku"] for v in found["items"]] == [SHIRT]
    assert given(await shop.admin("GET", "/admin/variants?extensions.acme.box=S"))["items"] == []


async def test_a_fault_in_a_variant_of_a_new_product_points_into_the_list(shop):
    body = {
        "slug": "tea",
        "name": {"en": "Tea"},
        "variants": [{"sku": "TEA", "extensions": {"acme": {"box": "XL"}}}],
    }
    problem = refused(await shop.admin("POST", "/admin/products", json=body), 400, "validation")
    assert problem["errors"][0]["pointer"] == "/variants/0/extensions/acme/box"


async def test_without_such_a_plugin_nothing_of_it_is_in_any_answer(dsn, clock, tmp_path):
    async with opened(dsn, clock, tmp_path) as shop:
        assert "extensions" not in given(await shop.client.get("/store/products/shirt"))
        cart = await shop.cart((MUG, 1), ready=True)
        assert "extensions" not in await cart.read()
        order = given(await cart.checkout(5500), 201)
        assert "extensions" not in order
        assert "extensions" not in await shop.read(order)
        answer = await shop.order((MUG, 1), extensions={"acme": {"paper": "stars"}})
        assert refused(answer, 400, "validation")["errors"][0]["pointer"] == "/extensions/acme"


# ---------------------------------------------------------------------------------- lists and plans


async def test_lists_of_staff_are_filtered_by_indexed_fields(shop):
    await extend(shop, "shirt", {"acme": {"material": "linen", "supplier_rating": 5}})
    await extend(shop, "mug", {"acme": {"material": "clay"}})

    async def found(query):
        page = given(await shop.admin("GET", f"/admin/products?{query}"))
        return [item["slug"] for item in page["items"]]

    assert await found("extensions.acme.material=linen") == ["shirt"]
    assert await found("extensions.acme.material=clay&status=active") == ["mug"]
    assert await found("extensions.acme.supplier_rating=5") == ["shirt"]
    # What keeps no value has the default.
    assert await found("extensions.acme.supplier_rating=3") == ["mug"]


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("extensions.acme.care=x", "?extensions.acme.care", "unknown-parameter"),
        ("extensions.acme.nothing=x", "?extensions.acme.nothing", "unknown-parameter"),
        ("extensions.other.material=x", "?extensions.other.material", "unknown-parameter"),
        ("extensions.acme.supplier_rating=x", "?extensions.acme.supplier_rating", "wrong-type"),
        ("extension.acme.material=x", "?extension.acme.material", "unknown-parameter"),
    ],
)
async def test_a_filter_without_an_index_or_of_another_type_is_refused(shop, query, pointer, code):
    problem = refused(await shop.admin("GET", f"/admin/products?{query}"), 400, "validation")
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [(pointer, code)]


async def test_a_cursor_belongs_to_its_filter(shop):
    for slug in ("shirt", "mug"):
        await extend(shop, slug, {"acme": {"material": "linen"}})
    page = given(await shop.admin("GET", "/admin/products?extensions.acme.material=linen&limit=1"))
    other = f"/admin/products?extensions.acme.material=clay&limit=1&cursor={page['next_cursor']}"
    assert (await shop.admin("GET", other)).status_code == 400


async def test_indexes_are_made_once_and_a_filter_stands_on_them(shop):
    db = shop.shop.db
    indexes = FieldIndexes(db, shop.shop.fields)
    wanted = {
        ("catalog_product", "acme.material"),
        ("catalog_product", "acme.supplier_rating"),
        ("catalog_variant", "acme.box"),
        ("orders_order", "acme.paper"),
    }
    assert {(each.table, each.field) for each in await indexes.missing()} == wanted
    assert {(each.table, each.field) for each in await indexes.bring()} == wanted
    assert await indexes.missing() == []
    assert await indexes.bring() == []
    # Many have the value: the list walks the index, newest first, and sorts nothing.
    await db.execute(
        "INSERT INTO catalog_product (id, slug, status, name, description, type, tags, seo_title,"
        " seo_description, options, version, created_at, updated_at, extensions)"
        " SELECT gen_random_uuid(), 'p' || n, 'draft', '{}', '{}', '', '{}', '{}', '{}', '[]', 1,"
        " now(), now(), jsonb_build_object('acme', jsonb_build_object('material', 'm' || n % 5))"
        " FROM generate_series(1, 5000) n"
    )
    await db.execute("ANALYZE catalog_product")
    plan = await db.fetch(
        "EXPLAIN SELECT p.id FROM catalog_product p WHERE ($1::uuid IS NULL OR p.id < $1)"
        """ AND (p.extensions #>> '{"acme","material"}') = $2::text"""
        " ORDER BY p.id DESC LIMIT 20",
        None,
        "m3",
    )
    told = "\n".join(row[0] for row in plan)
    assert re.search(r"Index (Only )?Scan Backward using catalog_product_ext_\w+", told), told
    assert "Sort" not in told
    assert "Filter" not in told


async def test_an_index_of_orders_covers_every_month_and_those_to_come(shop):
    db = shop.shop.db
    await FieldIndexes(db, shop.shop.fields).bring()
    parts = await db.fetchval(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'orders_order'::regclass"
    )
    valid = await db.fetchrow(
        "SELECT i.indisvalid, (SELECT count(*) FROM pg_inherits h WHERE h.inhparent = i.indexrelid) AS n"
        " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE c.relname LIKE 'orders_order_ext_%'"
    )
    assert (valid["indisvalid"], valid["n"]) == (True, parts)
    order = given(await shop.order((MUG, 1), extensions={"acme": {"paper": "stars"}}), 201)
    await shop.placed((MUG, 1))
    page = given(await shop.admin("GET", "/admin/orders?extensions.acme.paper=stars"))
    assert [each["number"] for each in page["items"]] == [order["number"]]
    body = {"extensions": {"acme.paper": "flowers"}}
    assert given(await shop.admin("POST", "/admin/orders/search", json=body))["items"] == []
    file = await shop.admin("POST", "/admin/orders/export", json=body)
    assert len(file.text.splitlines()) == 1
    body = {"extensions": {"acme.paper": "stars"}}
    file = await shop.admin("POST", "/admin/orders/export", json=body)
    assert [order["number"] in line for line in file.text.splitlines()] == [False, True]
    body = {"extensions": {"acme.shelf": "A1"}}
    refused(await shop.admin("POST", "/admin/orders/export", json=body), 400, "validation")
    # Without an own value it is the default.
    page = given(await shop.admin("GET", "/admin/orders?extensions.acme.paper=plain"))
    assert len(page["items"]) == 1


async def test_an_index_that_is_not_wanted_any_more_is_dropped_and_half_made_ones_are_made_anew(
    dsn, clock, tmp_path, shop
):
    db = shop.shop.db
    await FieldIndexes(db, shop.shop.fields).bring()
    plain = bringing(register_extension_fields=[field("product", "material")])
    book = configured_book(tmp_path, plain)
    dropped = await FieldIndexes(db, book).bring()
    assert {(each.field, each.made) for each in dropped} == {
        ("acme.material", False),
        ("acme.supplier_rating", False),
        ("acme.box", False),
        ("acme.paper", False),
    }
    # A plugin that is not there keeps what it has: it may come back.
    await FieldIndexes(db, shop.shop.fields).bring()
    assert await FieldIndexes(db, configured_book(tmp_path)).bring() == []
    left = await db.fetch("SELECT relname FROM pg_class WHERE relname LIKE 'catalog_product_ext_%'")
    assert len(left) == 2
    await db.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = $1::regclass", left[0]["relname"]
    )
    made = await FieldIndexes(db, shop.shop.fields).bring()
    assert [each.name for each in made] == [left[0]["relname"]]


def configured_book(tmp_path, *plugins):
    from commercekit.app.fields import field_book

    return field_book(configured(tmp_path, *plugins).plugins)


# ------------------------------------------------------------------------------- carts and orders


async def test_what_a_shopper_writes_on_the_cart_goes_over_to_the_order(shop):
    cart = await shop.cart((MUG, 1), ready=True)
    assert (await cart.read())["extensions"] == {"acme": {"paper": "plain"}}
    written = given(
        await cart.ask("PATCH", "/extensions", json={"extensions": {"acme": {"paper": "stars"}}})
    )
    assert written["extensions"] == {"acme": {"paper": "stars"}}
    # Other changes of the cart leave it alone.
    await cart.add(MUG)
    assert (await cart.read())["extensions"] == {"acme": {"paper": "stars"}}
    order = given(await cart.checkout(10000), 201)
    assert order["extensions"] == {"acme": {"paper": "stars"}}
    read = await shop.read(order)
    assert read["extensions"] == {"acme": {"paper": "stars"}}
    staff = given(await shop.admin("GET", f"/admin/orders/{order['number']}"))
    assert staff["extensions"] == {"acme": {"paper": "stars"}}


async def test_a_repeated_checkout_answers_with_the_same_values(shop):
    one = given(
        await shop.order((MUG, 1), key="once", extensions={"acme": {"paper": "stars"}}), 201
    )
    two = given(
        await shop.order((MUG, 1), key="once", extensions={"acme": {"paper": "stars"}}), 201
    )
    assert one == two
    assert one["extensions"] == {"acme": {"paper": "stars"}}
    assert await shop.orders() == 1


@pytest.mark.parametrize(
    ("values", "status", "slug", "pointer", "code"),
    [
        (
            {"acme": {"paper": "gold"}},
            400,
            "validation",
            "/extensions/acme/paper",
            "unknown-choice",
        ),
        # What shoppers do not see does not exist to them.
        (
            {"acme": {"channel": "app"}},
            400,
            "validation",
            "/extensions/acme/channel",
            "unknown-field",
        ),
        ({"acme": {"shelf": "A1"}}, 400, "validation", "/extensions/acme/shelf", "unknown-field"),
    ],
)
async def test_shoppers_write_their_own_fields_and_no_others(
    shop, values, status, slug, pointer, code
):
    cart = await shop.cart((MUG, 1), ready=True)
    for answer in (
        await cart.ask("PATCH", "/extensions", json={"extensions": values}),
        await shop.order((MUG, 1), extensions=values),
    ):
        problem = refused(answer, status, slug)
        assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [(pointer, code)]
    assert await shop.orders() == 0


async def test_a_cart_without_a_required_field_is_not_ordered(dsn, clock, tmp_path):
    plugin = bringing(
        register_extension_fields=[
            field("cart", "door", visible=Audience.STORE, writable=Writer.STORE, required=True)
        ]
    )
    async with opened(dsn, clock, tmp_path, plugin) as shop:
        cart = await shop.cart((MUG, 1), ready=True)
        for answer in (await cart.checkout(5500), await shop.order((MUG, 1))):
            problem = refused(answer, 422, "extension-refused")
            assert problem["errors"] == [
                {
                    "pointer": "/extensions/acme/door",
                    "code": "missing",
                    "message": "This field is missing.",
                }
            ]
        assert await shop.orders() == 0
        given(await cart.ask("PATCH", "/extensions", json={"extensions": {"acme": {"door": "3B"}}}))
        order = given(await cart.checkout(5500), 201)
        assert order["extensions"] == {"acme": {"door": "3B"}}


async def test_only_the_token_of_a_cart_opens_its_fields(shop):
    cart = await shop.cart((MUG, 1))
    body = {"extensions": {"acme": {"paper": "stars"}}}
    answer = await shop.client.patch(f"/store/carts/{cart.id}/extensions", json=body)
    assert answer.status_code == 404
    assert (await cart.read())["extensions"] == {"acme": {"paper": "plain"}}


async def write_order(shop, order, values, version=None):
    if version is None:
        version = given(await shop.admin("GET", f"/admin/orders/{order['number']}"))["version"]
    return await shop.admin(
        "PATCH",
        f"/admin/orders/{order['number']}/extensions",
        json={"extensions": values},
        headers={"If-Match": f'"{version}"'},
    )


async def test_staff_write_fields_of_an_order_with_its_version_and_the_history_names_them(shop):
    order = await shop.placed((MUG, 1), extensions={"acme": {"paper": "stars"}})
    version = given(await shop.admin("GET", f"/admin/orders/{order['number']}"))["version"]
    answer = await write_order(shop, order, {"acme": {"shelf": "A1", "paper": "flowers"}}, version)
    told = given(answer)
    assert told["extensions"] == {"acme": {"paper": "flowers", "shelf": "A1"}}
    assert answer.headers["etag"] == f'"{version + 1}"'
    assert told["history"][-1]["event"] == "extensions-changed"
    assert told["history"][-1]["details"] == {"fields": ["acme.paper", "acme.shelf"]}
    refused(
        await write_order(shop, order, {"acme": {"shelf": "B2"}}, version),
        412,
        "precondition-failed",
    )
    # Shoppers read theirs, and not what staff put down, nor that they did.
    seen = await shop.read(order)
    assert seen["extensions"] == {"acme": {"paper": "flowers"}}
    assert "extensions-changed" not in events(seen)


async def test_a_field_of_the_plugin_alone_is_not_written_by_hand(shop):
    order = await shop.placed((MUG, 1))
    problem = refused(
        await write_order(shop, order, {"acme": {"wrapped_by": "me"}}), 422, "extension-refused"
    )
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [
        ("/extensions/acme/wrapped_by", "read-only")
    ]


async def test_the_plugin_writes_its_fields_and_the_facts_carry_names_only(shop):
    order = await shop.placed((MUG, 1))
    mine = shop.shop.context("acme").extensions
    order_id = UUID(order["id"])
    async with shop.shop.db.unit_of_work() as uow:
        await mine.write(uow, "order", order_id, {"wrapped_by": "Han Meimei"})
    assert await mine.read("order", order_id) == {"wrapped_by": "Han Meimei"}
    fact = await shop.shop.db.fetchval(
        "SELECT payload FROM platform_outbox WHERE type = $1", OrderExtended.type_name()
    )
    assert '"acme.wrapped_by"' in fact
    assert "Han" not in fact
    history = given(await shop.admin("GET", f"/admin/orders/{order['number']}"))["history"]
    assert history[-1]["actor"] == {"kind": "system", "id": "plugin/acme"}

    shirt = await product(shop)
    async with shop.shop.db.unit_of_work() as uow:
        await mine.write(uow, "product", shirt.id, {"material": "linen"})
        await mine.write(uow, "variant", shirt.variants[0].id, {"box": "S"})
    read = given(await shop.client.get("/store/products/shirt"))
    assert read["extensions"]["acme"]["material"] == "linen"
    assert read["variants"][0]["extensions"] == {"acme": {"box": "S"}}


async def test_a_plugin_that_writes_nonsense_or_nothing_there_is_refused(shop):
    mine = shop.shop.context("acme").extensions
    shirt = await product(shop)
    with pytest.raises(ExtensionInvalid):
        async with shop.shop.db.unit_of_work() as uow:
            await mine.write(uow, "product", shirt.id, {"material": 3})
    with pytest.raises(NotFound, match="do not write fields of a cart"):
        async with shop.shop.db.unit_of_work() as uow:
            await mine.write(uow, "cart", shirt.id, {"paper": "stars"})
    with pytest.raises(NotFound, match="no such order"):
        await mine.read("order", shirt.id)
    assert (await product(shop)).extensions == {}


async def test_the_values_of_a_plugin_that_is_gone_are_kept_and_shown_to_nobody(
    dsn, clock, tmp_path
):
    async with opened(dsn, clock, tmp_path, ACME) as shop:
        await extend(shop, "shirt", {"acme": {"material": "linen"}})
        order = await shop.placed((MUG, 1), extensions={"acme": {"paper": "stars"}})
        await shop.settle()
    async with opened(dsn, clock, tmp_path, goods=False) as shop:
        assert (await product(shop)).extensions == {"acme": {"material": "linen"}}
        assert "extensions" not in given(await shop.client.get("/store/products/shirt"))
        found = given(await shop.admin("GET", f"/admin/products/{(await product(shop)).id}"))
        assert found["extensions"] == {}
        assert "extensions" not in await shop.read(order)
        await shop.reprice(SHIRT, 100)
        answer = await extend(shop, "shirt", {"acme": {"material": "wool"}}, 400)
        assert answer.json()["errors"][0]["pointer"] == "/extensions/acme"
    async with opened(dsn, clock, tmp_path, ACME, goods=False) as shop:
        read = given(await shop.client.get("/store/products/shirt"))
        assert read["extensions"] == {"acme": {"material": "linen"}}
        assert (await shop.read(order))["extensions"] == {"acme": {"paper": "stars"}}


# ------------------------------------------------------------------------- what is declared wrongly


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (field("shelf", "a"), "on 'shelf'; fields can be added to product, variant, order, cart"),
        (field("product", "Bad Name"), "lower-case letters, digits and underscores"),
        (field("product", "a", object), "a type that JSON cannot carry"),
        (field("product", "a", int, default="x"), "a default that is none of its type"),
        (field("product", "a", list[str], indexed=True), "only single values can be"),
        (field("product", "a", required=True, default="x"), "required and with a default"),
        (field("product", "a", writable=Writer.STORE), "they write carts only"),
        (field("order", "a", required=True), "which nobody fills in"),
        (
            ExtensionField(entity="product", name="a", type=str, label={"zh": "甲"}),
            "without an English label",
        ),
    ],
)
def test_a_field_that_does_not_fit_stops_the_start_with_a_sentence(tmp_path, wrong, sentence):
    with pytest.raises(ConfigurationError, match=re.escape(sentence)):
        configured_book(tmp_path, bringing(register_extension_fields=[wrong]))


def test_one_name_is_one_field_on_the_order_too(tmp_path):
    twice = bringing(register_extension_fields=[field("cart", "a"), field("order", "a")])
    with pytest.raises(ConfigurationError, match="a field of a cart is one of the order already"):
        configured_book(tmp_path, twice)
    # Two plugins may each have a field of that name.
    book = configured_book(
        tmp_path,
        bringing("one", register_extension_fields=[field("cart", "a")]),
        bringing("two", register_extension_fields=[field("cart", "a")]),
    )
    assert [f"{view.entity} {view.plugin}.{view.name}" for view in book.views] == [
        "cart one.a",
        "cart two.a",
        "order one.a",
        "order two.a",
    ]


async def test_money_is_not_touched(shop):
    order = await shop.paid((MUG, 1), extensions={"acme": {"paper": "stars"}})
    assert order["totals"]["total"] == cny(5500)
    assert order["payment_status"] == "paid"


# ----------------------------------------------------------------------------------------- archive


async def archived(shop, file):
    await CatalogueArchive(shop.shop).write(file)
    with zipfile.ZipFile(file) as archive:
        return archive.read("extensions.csv").decode()


async def test_the_archive_keeps_values_of_plugins_that_are_here_and_of_those_that_are_not(
    dsn, clock, tmp_path
):
    async with opened(dsn, clock, tmp_path, ACME) as shop:
        await extend(shop, "shirt", {"acme": {"material": "linen", "care": {"degrees": 30}}})
        shirt = await product(shop)
        async with shop.shop.db.unit_of_work() as uow:
            mine = shop.shop.context("acme").extensions
            await mine.write(uow, "variant", shirt.variants[0].id, {"box": "L"})
        told = await archived(shop, tmp_path / "a.zip")
    assert told.splitlines()[1:] == [
        'shirt,,acme,"{""care"":{""degrees"":30,""tumble_dry"":false},""material"":""linen""}"',
        'shirt,SHIRT-BLUE-M,acme,"{""box"":""L""}"',
    ]
    async with opened(dsn, clock, tmp_path, goods=False) as shop:
        assert await archived(shop, tmp_path / "b.zip") == told
        await shop.shop.db.execute("UPDATE catalog_product SET extensions = NULL")
        await shop.shop.db.execute("UPDATE catalog_variant SET extensions = NULL")
        report = await CatalogueArchive(shop.shop).read(tmp_path / "a.zip")
        (sheet,) = [each for each in report.sheets if each.sheet == "extensions.csv"]
        assert (sheet.rows, sheet.changed, sheet.failed) == (2, 2, 0)
        again = await CatalogueArchive(shop.shop).read(tmp_path / "a.zip")
        assert again.sheets[-1].changed == 0
        assert await archived(shop, tmp_path / "c.zip") == told
    async with opened(dsn, clock, tmp_path, ACME, goods=False) as shop:
        read = given(await shop.client.get("/store/products/shirt"))
        assert read["extensions"]["acme"]["material"] == "linen"
        assert read["variants"][0]["extensions"] == {"acme": {"box": "L"}}


async def test_a_row_of_the_archive_that_the_plugin_does_not_take_is_refused_alone(
    dsn, clock, tmp_path, shop
):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(
            "extensions.csv",
            "Handle,SKU,Plugin,Values\r\n"
            'shirt,,acme,"{""material"": 7}"\r\n'
            'gone,,acme,"{""material"": ""x""}"\r\n'
            'shirt,NONE,acme,"{""box"": ""L""}"\r\n'
            'mug,,acme,"{""material"": ""clay""}"\r\n',
        )
    report = await CatalogueArchive(shop.shop).read(tmp_path / "x.zip")
    (sheet,) = report.sheets
    assert (sheet.rows, sheet.changed, sheet.failed) == (4, 1, 3)
    assert [(fault.row, fault.code) for fault in sheet.errors] == [
        (2, "not-allowed"),
        (3, "product-not-found"),
        (4, "variant-not-found"),
    ]
    assert (await product(shop, "mug")).extensions == {"acme": {"material": "clay"}}


async def test_null_for_a_whole_plugin_takes_away_what_one_may_write(shop):
    order = await shop.placed((MUG, 1), extensions={"acme": {"paper": "stars"}})
    async with shop.shop.db.unit_of_work() as uow:
        mine = shop.shop.context("acme").extensions
        await mine.write(uow, "order", UUID(order["id"]), {"wrapped_by": "me", "shelf": "A1"})
    told = given(await write_order(shop, order, {"acme": None}))
    assert told["extensions"] == {"acme": {"paper": "plain", "wrapped_by": "me"}}

from __future__ import annotations

import time

import pytest

from tests.platform.http.test_problems import assert_problem

ADA = {"Authorization": "Bearer ada"}
JSON = {"Content-Type": "application/json"}


def basket(**line):
    return {"lines": [{"sku": "A", "quantity": 1} | line]}


async def test_good_body_passes(client):
    response = await client.post("/store/baskets", json=basket(quantity=999))
    assert response.status_code == 201
    assert response.json() == {"lines": [{"sku": "A", "quantity": 999}], "note": ""}


@pytest.mark.parametrize(
    "field", ["role", "price", "paid", "customer_id", "total", "discount", "unit_price"]
)
async def test_unknown_field_is_refused_by_name(client, field):
    response = await client.post("/store/baskets", json=basket(**{field: 1}))
    body = assert_problem(response, 400, "validation")
    assert body["errors"] == [
        {
            "pointer": f"/lines/0/{field}",
            "code": "unknown-field",
            "message": "This field is not known here.",
        }
    ]


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        ("0", "too-small"),
        ("-1", "too-small"),
        ("1.5", "wrong-type"),
        ("1.0", "wrong-type"),
        ("1" + "0" * 40, "too-large"),
        ('"1e3"', "wrong-type"),
        ('"5"', "wrong-type"),
        ("true", "wrong-type"),
        ("null", "wrong-type"),
        ("1000", "too-large"),
        ("1e999999", "out-of-range"),
    ],
)
async def test_quantity_that_is_none_is_refused(client, quantity, code):
    content = f'{{"lines": [{{"sku": "A", "quantity": {quantity}}}]}}'
    response = await client.post("/store/baskets", content=content, headers=JSON)
    body = assert_problem(response, 400, "validation")
    assert [(e["pointer"], e["code"]) for e in body["errors"]] == [("/lines/0/quantity", code)]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
async def test_numbers_that_json_does_not_know_are_malformed(client, number):
    content = f'{{"lines": [{{"sku": "A", "quantity": {number}}}]}}'
    response = await client.post("/store/baskets", content=content, headers=JSON)
    assert_problem(response, 400, "malformed")


async def test_number_beyond_64_bits_is_refused_where_no_bound_is_declared(client):
    content = '{"amount": 1' + "0" * 40 + "}"
    headers = JSON | {"Idempotency-Key": "big-number"}
    response = await client.post("/store/payments", content=content, headers=headers)
    assert_problem(response, 400, "validation")


async def test_missing_field_is_named(client):
    response = await client.post("/store/baskets", json={"lines": [{"sku": "A"}]})
    body = assert_problem(response, 400, "validation")
    assert body["errors"][0]["pointer"] == "/lines/0/quantity"
    assert body["errors"][0]["code"] == "missing"


async def test_missing_body_is_said(client):
    body = assert_problem(await client.post("/store/baskets"), 400, "validation")
    assert body["errors"] == [
        {"pointer": "", "code": "missing", "message": "A JSON body is required."}
    ]


@pytest.mark.parametrize(
    "media",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"],
)
async def test_body_that_is_no_json_by_its_type_is_415(client, media):
    headers = {"Content-Type": media} if media else {}
    content = b'{"lines": [{"sku": "A", "quantity": 1}]}'
    response = await client.post("/store/baskets", content=content, headers=headers)
    assert_problem(response, 415, "unsupported-media-type")


async def test_charset_does_not_make_it_another_type(client):
    headers = {"Content-Type": "application/json; charset=utf-8"}
    content = b'{"lines": [{"sku": "A", "quantity": 1}]}'
    response = await client.post("/store/baskets", content=content, headers=headers)
    assert response.status_code == 201


async def test_form_page_of_a_plugin_takes_any_body(client):
    response = await client.post("/plugins/acme/page?x=1", data={"a": "b"})
    assert (response.status_code, response.content) == (201, b"a=b")


async def test_eleven_megabytes_are_too_large(client):
    started = time.perf_counter()
    response = await client.post("/store/baskets", content=b" " * 11_000_000, headers=JSON)
    assert_problem(response, 413, "too-large")
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"lines": ' + b"[" * 100_000,
        b'{"note": ' + b'{"a":' * 100_000,
        b"{" + b",".join(b'"k%d":1' % n for n in range(1_000_000)) + b"}",
    ],
    ids=["deep", "deep-in-list", "deep-in-field", "a-million-keys"],
)
async def test_hostile_json_is_refused_quickly(client, content):
    started = time.perf_counter()
    response = await client.post("/store/baskets", content=content, headers=JSON)
    assert response.status_code in (400, 413)
    assert response.headers["content-type"] == "application/problem+json"
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "content", [b"{", b'{"lines": [{"sku": "A", "quantity": 1}]} x', b"\xff\xfe", b"'a'"]
)
async def test_what_is_no_json_is_malformed(client, content):
    response = await client.post("/store/baskets", content=content, headers=JSON)
    assert_problem(response, 400, "malformed")


async def test_card_number_in_free_text_is_refused_and_not_echoed(client):
    note = {"note": "card 4111 1111 1111 1111 exp 12/30"}
    response = await client.post("/store/baskets", json=basket() | note)
    assert_problem(response, 422, "card-data-refused")
    assert "1111" not in response.text


async def test_card_number_in_a_query_is_refused(client):
    response = await client.get(
        "/admin/letters", params={"cursor": "4111-1111-1111-1111"}, headers=ADA
    )
    assert_problem(response, 422, "card-data-refused")


async def test_other_long_numbers_in_text_are_no_cards(client):
    note = {"note": "order 20261122143052881, phone +8613800138000, ean 4006381333931"}
    assert (await client.post("/store/baskets", json=basket() | note)).status_code == 201


@pytest.mark.parametrize("query", ["offset=10", "limit=101", "limit=1000000", "limit=0", "limit=x"])
async def test_page_beyond_the_manners_is_refused(client, query):
    response = await client.get(f"/admin/letters?{query}", headers=ADA)
    body = assert_problem(response, 400, "validation")
    assert body["errors"][0]["pointer"] == "?" + query.partition("=")[0]


async def test_more_than_a_thousand_parameters_are_refused(client):
    query = "&".join(["a=1"] * 10_000)
    response = await client.get(f"/admin/letters?{query}", headers=ADA)
    assert_problem(response, 400, "malformed")


async def test_query_of_broken_utf8_or_nul_is_refused(client):
    for query in ("cursor=%ff%fe", "cursor=a%00b"):
        response = await client.get(f"/admin/letters?{query}", headers=ADA)
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("text", ["a\\u0000b", "\\u0000", "\\\\\\u0000", "\\ud800"])
async def test_text_that_the_database_cannot_keep_is_malformed(client, text):
    content = f'{{"lines": [{{"sku": "A", "quantity": 1}}], "note": "{text}"}}'
    response = await client.post("/store/baskets", content=content, headers=JSON)
    assert_problem(response, 400, "malformed")


async def test_text_that_only_speaks_of_nul_passes(client):
    content = '{"lines": [{"sku": "A", "quantity": 1}], "note": "\\\\u0000"}'
    response = await client.post("/store/baskets", content=content, headers=JSON)
    assert response.json()["note"] == "\\u0000"


async def test_address_with_nul_is_malformed(client):
    assert_problem(await client.get("/store/a%00b"), 400, "malformed")

import re
from typing import Annotated

import pytest
from msgspec import UNSET, Meta, UnsetType
from openapi_spec_validator import OpenAPIV31SpecValidator

from commercekit.platform.http import Input
from commercekit.platform.http.openapi_schemas import close_inputs, mend_choices


async def read(client):
    return (await client.get("/openapi.json")).json()


async def test_document_is_valid_openapi_3_1(client):
    document = await read(client)
    assert document["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


async def test_operation_ids_are_unique_and_follow_the_address(client):
    document = await read(client)
    ids = [o["operationId"] for item in document["paths"].values() for o in item.values()]
    assert len(ids) == len(set(ids))
    assert {"StorePaymentsPost", "AdminLettersGet", "ProblemsSlugGet"} <= set(ids)
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9]*", name) for name in ids)


async def test_every_operation_has_a_tag_and_tells_its_problems(client):
    document = await read(client)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["tags"], (path, method)
            for status in ("400", "500", "503"):
                reference = operation["responses"][status]["$ref"]
                assert reference == f"#/components/responses/Problem{status}"
    problem = document["components"]["responses"]["Problem400"]["content"]
    assert list(problem) == ["application/problem+json"]


async def test_guarded_operations_name_their_scope(client):
    paths = (await read(client))["paths"]
    operation = paths["/admin/letters"]["get"]
    assert operation["security"] == [{"staffToken": []}, {"staffSession": []}]
    assert operation["x-required-scope"] == "things:read"
    assert {"401", "403"} <= operation["responses"].keys()
    assert {} in paths["/store/payments"]["post"]["security"]


async def test_keys_and_preconditions_are_documented(client):
    paths = (await read(client))["paths"]
    headers = {p["name"]: p for p in paths["/store/payments"]["post"]["parameters"]}
    assert headers["Idempotency-Key"]["required"] is True
    assert headers["Idempotency-Key"]["schema"]["maxLength"] == 255
    assert headers["Idempotency-Key"]["schema"]["pattern"].startswith("^[A-Za-z0-9")
    assert [p["name"] for p in paths["/admin/things"]["put"]["parameters"]] == ["If-Match"]
    assert {"412", "428"} <= paths["/admin/things"]["put"]["responses"].keys()
    assert "parameters" not in paths["/store/baskets"]["post"]


async def test_unknown_fields_are_ruled_out_in_the_document_too(client):
    schemas = (await read(client))["components"]["schemas"]
    (basket,) = [schema for name, schema in schemas.items() if name.endswith("Basket")]
    assert basket["additionalProperties"] is False


def test_a_choice_lists_what_fits_and_nothing_twice():
    part = {
        "tags": {"items": {"oneOf": [{"type": "string"}, {}]}},
        "share": {"oneOf": [{"type": "integer"}, {"type": "number"}, {"type": "null"}]},
        "left_out": {"oneOf": [{"type": "integer", "minimum": 1}], "description": "d"},
        "anything": {"oneOf": [{}]},
    }
    mend_choices(part)
    assert part == {
        "tags": {"items": {"type": "string"}},
        "share": {"oneOf": [{"type": "number"}, {"type": "null"}]},
        "left_out": {"type": "integer", "minimum": 1, "description": "d"},
        "anything": {},
    }


def test_bounds_are_told_however_deep_they_stand():
    class Lantern(Input):
        """Named like nothing else here."""

        codes: tuple[Annotated[str, Meta(min_length=2)], ...]
        names: dict[Annotated[str, Meta(pattern="^[a-z]+$")], str]
        height: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
        width: Annotated[int, Meta(ge=3)] | None = None

    text = {"type": "string"}
    fields = {
        "codes": {"type": "array", "items": dict(text)},
        "names": {"type": "object", "additionalProperties": dict(text)},
        "height": {"type": "integer"},
        "width": {"oneOf": [{"type": "integer"}, {"type": "null"}]},
    }
    schemas = {"Lantern": {"properties": fields}, "Other": {"properties": {"codes": dict(text)}}}
    close_inputs(schemas)
    assert schemas["Lantern"]["additionalProperties"] is False
    assert fields == {
        "codes": {"type": "array", "items": {**text, "minLength": 2}},
        "names": {
            "type": "object",
            "additionalProperties": text,
            "propertyNames": {"pattern": "^[a-z]+$"},
        },
        "height": {"type": "integer", "minimum": 1},
        "width": {"oneOf": [{"type": "integer", "minimum": 3}, {"type": "null"}]},
    }
    assert schemas["Other"] == {"properties": {"codes": text}}


async def test_docs_load_nothing_from_elsewhere(client):
    page = await client.get("/docs")
    assert page.status_code == 200
    assert "//" not in re.sub(r"<!doctype html>", "", page.text)
    for address in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        loaded = await client.get(address)
        assert loaded.status_code == 200, address
        assert len(loaded.content) > 20
    assert "connect-src" not in page.headers["content-security-policy"]
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "validatorUrl: null" in (await client.get("/docs/assets/start.js")).text


@pytest.mark.parametrize("name", ["x.js", "..%2f..%2fpyproject.toml", "asyncapi-web-component.js"])
async def test_docs_serve_no_other_file(client, name):
    assert (await client.get(f"/docs/assets/{name}")).status_code == 404

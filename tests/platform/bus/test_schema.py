"""The document of facts: of the official shape, as recorded, and changed only as versions allow."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Annotated, ClassVar

import jsonschema
import msgspec
import pytest
from msgspec import Meta, Struct

from commercekit.kernel import DomainEvent, Money
from commercekit.platform.bus import asyncapi, published_facts, refused_changes

ROOT = Path(__file__).resolve().parents[3]
RECORD = json.loads((ROOT / "docs/reference/asyncapi.json").read_text(encoding="utf-8"))
# From @asyncapi/specs 6.11.1 (Apache-2.0), without descriptions and examples.
OFFICIAL = Path(__file__).with_name("asyncapi-3.0.0.schema.json.gz")


class Line(Struct, frozen=True):
    sku: str
    price: Money


class Packed(DomainEvent, frozen=True, kw_only=True):
    """A box was closed."""

    aggregate: ClassVar[str] = "test-box"
    id_field: ClassVar[str] = "box"
    box: str
    lines: tuple[Line, ...]
    weight: Annotated[int, Meta(ge=0)] | None = None


def document(*facts):
    return asyncapi(facts, title="Test", version="1", exchange="test.facts")


def changed(change, *, version=1):
    """The document of ``Packed`` after somebody changed it."""
    made = copy.deepcopy(document(Packed))
    schemas = made["components"]["schemas"]
    change(schemas)
    made["components"]["messages"]["test-box.Packed"]["x-version"] = version
    return made


def test_the_document_is_an_asyncapi_document():
    validator = jsonschema.Draft7Validator(json.loads(gzip.decompress(OFFICIAL.read_bytes())))
    for each in (RECORD, document(Packed)):
        assert [error.message for error in validator.iter_errors(each)] == []
    wrong = copy.deepcopy(RECORD)
    wrong["operations"]["tell-order"]["action"] = "shout"
    assert list(validator.iter_errors(wrong))


def test_every_reference_leads_somewhere():
    def refs(value):
        if isinstance(value, dict):
            for key, each in value.items():
                yield from [each] if key == "$ref" else refs(each)
        elif isinstance(value, list):
            for each in value:
                yield from refs(each)

    for ref in refs(RECORD):
        place = RECORD
        for step in ref.removeprefix("#/").split("/"):
            place = place[step]
    assert RECORD["channels"]["order"]["address"] == "order.{fact}"
    assert "OrderPaid" in RECORD["channels"]["order"]["parameters"]["fact"]["enum"]
    assert (
        RECORD["channels"]["order"]["bindings"]["amqp"]["exchange"]["name"] == "commercekit.facts"
    )


def test_the_record_has_every_fact_of_the_core_and_a_payload_of_each_fits_it():
    import commercekit.app  # noqa: F401 - brings every domain

    facts = published_facts(["commercekit"])
    assert [kind.type_name() for kind in facts] == sorted(RECORD["components"]["messages"])
    from commercekit.kernel import new_id
    from commercekit.orders import OrderPaid

    fact = OrderPaid(order_id=new_id(), number="CK-1", captured=Money(1999, "CNY"))
    told = json.loads(msgspec.json.encode(fact))
    schema = {**RECORD["components"]["schemas"]["OrderPaid"], "components": RECORD["components"]}
    jsonschema.validate(told, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**told, "captured": 1999}, schema)


def test_what_is_told_now_is_what_was_recorded_or_has_a_new_version():
    import commercekit.app  # noqa: F401 - brings every domain

    now = document(*published_facts(["commercekit"]))
    assert refused_changes(RECORD, now) == []


def test_a_fact_that_is_the_same_is_not_refused_whatever_its_words_are():
    def reword(schemas):
        schemas["Packed"]["description"] = "A box is closed."
        schemas["Packed"]["properties"]["weight"]["default"] = 7

    assert refused_changes(document(Packed), changed(reword)) == []


def test_a_field_that_may_be_left_out_is_added_without_a_version_even_inside():
    def add(schemas):
        schemas["Packed"]["properties"]["by"] = {"type": "string", "default": ""}
        schemas["Line"]["properties"]["note"] = {"type": "string", "default": ""}

    assert refused_changes(document(Packed), changed(add)) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda s: s["Packed"]["properties"].pop("weight"), "`weight` is gone"),
        (lambda s: s["Packed"]["required"].append("weight"), "`weight` is required now"),
        (lambda s: s["Packed"]["required"].remove("lines"), "`lines` may be left out now"),
        (
            lambda s: s["Packed"]["properties"]["box"].update(type="integer"),
            "`box` is not what it was",
        ),
        (
            lambda s: (
                s["Packed"]["properties"].update(by={"type": "string"}),
                s["Packed"]["required"].append("by"),
            ),
            "`by` is required now",
        ),
        (lambda s: s["Line"]["properties"].pop("sku"), "`lines` is not what it was"),
        (lambda s: s["Money"]["required"].remove("currency"), "`lines` is not what it was"),
        (
            lambda s: s["Packed"]["properties"]["weight"]["anyOf"][0].update(minimum=1),
            "`weight` is not what it was",
        ),
    ],
)
def test_any_other_change_needs_a_new_version(change, sentence):
    (refused,) = refused_changes(document(Packed), changed(change))
    assert refused.startswith(f"test-box.Packed: {sentence}; raise its version to 2")
    assert refused_changes(document(Packed), changed(change, version=2)) == []
    (skipped,) = refused_changes(document(Packed), changed(change, version=3))
    assert skipped == "test-box.Packed goes from version 1 to 3; the next one is 2"


def test_a_version_never_goes_back():
    (refused,) = refused_changes(changed(lambda _s: None, version=2), document(Packed))
    assert refused == "test-box.Packed goes from version 2 to 1; the next one is 3"


def test_a_new_fact_and_one_that_is_gone_change_no_other():
    assert refused_changes(RECORD, document(Packed)) == []

"""What Litestar's schemas leave out of the bodies: what is closed, what is bounded, what a choice is.

A client made from the document should refuse what the shop refuses, and a test that makes up bodies from
it should get in with them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

__all__ = ["close_inputs", "mend_choices"]

_BOUNDS: Final = (
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "propertyNames",
)


def close_inputs(schemas: dict[str, Any]) -> None:
    """Say of each type that refuses unknown fields that it does, and how its fields are bounded.

    Litestar forgets the bounds of what stands in tuples and maps, and of fields that may be left out.
    """
    for name, schema in schemas.items():
        fields = schema.get("properties", {})
        kind = _closed_kind(name, frozenset(fields))
        if kind is not None:
            schema["additionalProperties"] = False
            for field, meant in _fields_of(kind).items():
                _bound(fields[field], meant)
        for field in fields.values():
            if field.get("default") == [] and field.get("minItems"):
                del field["default"]  # its own bounds rule it out, so it is no example of a value


def mend_choices(part: Any) -> None:
    """Make each ``oneOf`` of Litestar's fit exactly one of what it lists, as the word says.

    It takes the ``...`` of ``tuple[X, ...]`` for a type of its own, and an integer is a number too.
    """
    if isinstance(part, list):
        for entry in part:
            mend_choices(entry)
    if not isinstance(part, dict):
        return
    for entry in part.values():
        mend_choices(entry)
    choices = part.get("oneOf")
    if not isinstance(choices, list):
        return
    kinds = [choice for choice in choices if choice]
    if {"type": "number"} in kinds:
        kinds = [choice for choice in kinds if choice != {"type": "integer"}]
    if len(kinds) > 1:
        part["oneOf"] = kinds
        return
    del part["oneOf"]
    for only in kinds:
        for word, meaning in only.items():
            part.setdefault(word, meaning)


def _closed_kind(name: str, fields: frozenset[str]) -> type[msgspec.Struct] | None:
    """The struct that refuses unknown fields behind a schema.

    A name that two modules share is told apart by a prefix of Litestar's, and by its fields.
    """
    pending: list[type[msgspec.Struct]] = [msgspec.Struct]
    while pending:
        kind = pending.pop()
        pending.extend(kind.__subclasses__())
        if (
            kind.__struct_config__.forbid_unknown_fields
            and kind.__name__ in {name, name.rpartition("_")[2]}
            and frozenset(kind.__struct_encode_fields__) == fields
        ):
            return kind
    return None


def _fields_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The fields as msgspec describes them, which is what it checks."""
    (schema,), kinds = msgspec.json.schema_components([kind])
    if "$ref" in schema:
        schema = kinds[schema["$ref"].rpartition("/")[2]]
    fields: dict[str, Any] = schema["properties"]
    return fields


def _bound(told: dict[str, Any], meant: dict[str, Any]) -> None:
    """Write what ``meant`` rules out into ``told``, as deep as both describe the same kind of value."""
    choices = meant.get("anyOf")
    if choices is not None:
        for choice in told.get("oneOf", ()):
            for other in choices:
                if choice.get("type") is not None and choice.get("type") == other.get("type"):
                    _bound(choice, other)
                    break
        return
    if meant.get("type") is None or told.get("type") != meant["type"]:
        return
    for word in _BOUNDS:
        if word in meant:
            told.setdefault(word, meant[word])
    for inner in ("items", "additionalProperties"):
        if isinstance(told.get(inner), dict) and isinstance(meant.get(inner), dict):
            _bound(told[inner], meant[inner])

"""What facts look like, as an AsyncAPI 3.0 document, and which changes of that need a new version."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from commercekit.kernel import DomainEvent

__all__ = ["asyncapi", "published_facts", "refused_changes"]

_REF: Final = "#/components/schemas/{name}"
_WORDS: Final = frozenset({"title", "description", "default", "examples"})
"""What may change without a word: they decide nothing about what is understood."""
_ABOUT: Final = """What happened in the shop, told with the change itself.

Facts of one aggregate arrive in order, at least once, and act exactly once in a consumer of the shop. They
carry ids and figures, never personal data. A field that is not required may be added without a new version;
anything else raises `x-version`, and consumers of the shop understand the version before as well."""


def published_facts(packages: Iterable[str] | None = None) -> list[type[DomainEvent]]:
    """Every fact that is told by what is imported, or by ``packages`` only; by its name on the wire."""
    wanted = None if packages is None else tuple(f"{package}." for package in packages)
    found = {
        kind.type_name(): kind
        for kind in _below(DomainEvent)
        if not kind.__name__.startswith("_")
        and hasattr(kind, "aggregate")
        and hasattr(kind, "id_field")
        and "never published" not in (kind.__doc__ or "")
        and (wanted is None or f"{kind.__module__}.".startswith(wanted))
    }
    return [found[name] for name in sorted(found)]


def asyncapi(
    facts: Iterable[type[DomainEvent]], *, title: str, version: str, exchange: str
) -> dict[str, Any]:
    """The document: a channel for each kind of aggregate, a message for each fact.

    ``exchange`` is the topic exchange of a shop with RabbitMQ; a fact's name is its routing key.
    """
    kinds = sorted(facts, key=lambda kind: kind.type_name())
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    aggregates: dict[str, list[str]] = {}
    messages = {}
    for kind, schema in zip(kinds, schemas, strict=True):
        name = kind.type_name()
        aggregates.setdefault(kind.aggregate, []).append(name)
        messages[name] = {
            "name": name,
            "title": kind.__name__,
            "summary": _summary(kind),
            "contentType": "application/json",
            "headers": _headers(kind),
            "payload": schema,
            "x-version": kind.version,
            "x-understood": sorted({*kind.upgrades, kind.version}),
        }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": version, "description": _ABOUT},
        "defaultContentType": "application/json",
        "channels": {
            aggregate: _channel(aggregate, names, exchange)
            for aggregate, names in sorted(aggregates.items())
        },
        "operations": {
            f"tell-{aggregate}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{aggregate}"},
                "summary": f"The shop tells what happened to one {aggregate}.",
            }
            for aggregate in sorted(aggregates)
        },
        "components": {
            "messages": messages,
            "schemas": {name: components[name] for name in sorted(components)},
        },
    }


def refused_changes(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Facts that changed more than their version allows, one sentence each.

    Both are documents of :func:`asyncapi`. In the same version only fields that are not required may be
    added; the next version may be anything, one version at a time.
    """
    before, after = recorded["components"]["messages"], now["components"]["messages"]
    refused = []
    for name in sorted(set(before) & set(after)):
        old, new = before[name]["x-version"], after[name]["x-version"]
        if new not in {old, old + 1}:
            refused.append(f"{name} goes from version {old} to {new}; the next one is {old + 1}")
        if new != old:
            continue
        differences = _differences(
            _resolved(before[name]["payload"], recorded),
            _resolved(after[name]["payload"], now),
            "",
        )
        refused += [
            f"{name}: {difference}; raise its version to {old + 1} and say in `upgrades` how version "
            f"{old} becomes it"
            for difference in differences
        ]
    return refused


def _below(kind: type[DomainEvent]) -> Iterator[type[DomainEvent]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _summary(kind: type) -> str:
    return " ".join(inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].split())


def _channel(aggregate: str, names: list[str], exchange: str) -> dict[str, Any]:
    return {
        "address": f"{aggregate}.{{fact}}",
        "description": f"Facts of one {aggregate} keep their order.",
        "parameters": {
            "fact": {
                "description": "What happened.",
                "enum": [name.partition(".")[2] for name in names],
            }
        },
        "messages": {
            name.partition(".")[2]: {"$ref": f"#/components/messages/{name}"} for name in names
        },
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": exchange, "type": "topic", "durable": True},
                "bindingVersion": "0.3.0",
            }
        },
    }


def _headers(kind: type[DomainEvent]) -> dict[str, Any]:
    texts = {
        "aggregate": {"const": kind.aggregate},
        "aggregate_id": {"type": "string", "description": f"The same as `{kind.id_field}`."},
        "sequence": {
            "type": "integer",
            "minimum": 1,
            "description": "Its place among the facts of its aggregate, without gaps.",
        },
        "version": {"const": kind.version},
        "occurred_at": {"type": "string", "format": "date-time"},
    }
    return {"type": "object", "properties": texts, "required": list(texts)}


def _resolved(schema: Any, document: Mapping[str, Any]) -> Any:
    """Without references and without words, so that two can be compared."""
    if isinstance(schema, list):
        return [_resolved(each, document) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if (ref := schema.get("$ref")) is not None:
        return _resolved(document["components"]["schemas"][ref.rpartition("/")[2]], document)
    fields = schema.get("properties")
    return {
        key: {name: _resolved(each, document) for name, each in fields.items()}
        if key == "properties" and fields is not None
        else _resolved(value, document)
        for key, value in schema.items()
        if key not in _WORDS
    }


def _differences(old: Any, new: Any, path: str) -> list[str]:
    """What a reader of the old shape would notice of the new one, or the other way round."""
    if not (_is_object(old) and _is_object(new)):
        return [] if _same(old, new, path) else [f"`{path}` is not what it was"]
    found = []
    before, after = old["properties"], new["properties"]
    for name in before:
        inner = f"{path}.{name}" if path else name
        if name not in after:
            found.append(f"`{inner}` is gone")
        else:
            found += _differences(before[name], after[name], inner)
    needed, needed_now = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(needed ^ needed_now):
        inner = f"{path}.{name}" if path else name
        if name in needed_now:
            found.append(f"`{inner}` is required now")
        elif name in after:
            found.append(f"`{inner}` may be left out now")
    return found


def _same(old: Any, new: Any, path: str) -> bool:
    """Alike but for fields that were added further inside."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        return all(not _differences(old[key], new[key], path) for key in old)
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return all(not _differences(*pair, path) for pair in zip(old, new, strict=True))
    return bool(old == new)


def _is_object(schema: Any) -> bool:
    return isinstance(schema, dict) and isinstance(schema.get("properties"), dict)

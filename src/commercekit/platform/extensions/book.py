"""Every field of every entity, checked at the start; and what may be written into them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NoReturn

import msgspec
from msgspec import UNSET

from commercekit.errors import ConfigurationError, FieldError
from commercekit.platform.extensions.errors import ExtensionInvalid, ExtensionRefused
from commercekit.platform.extensions.filters import PREFIX, FieldCondition, condition_of
from commercekit.platform.extensions.models import (
    Audience,
    ExtensibleEntity,
    ExtensionField,
    FieldView,
    Values,
    Writer,
)

__all__ = ["Field", "FieldBook", "Fields"]

_NAME: Final = re.compile(r"^[a-z][a-z0-9_]{0,62}\Z")
_CODE: Final = re.compile(r"^[a-z][a-z0-9-]{0,62}\Z")
_SINGLE: Final = frozenset({"string", "integer", "number", "boolean", "null"})
MAX_BYTES: Final = 16 * 1024
"""Of one plugin's values on one thing: what is larger is a table, not a field."""


@dataclass(frozen=True)
class Field:
    """A field in use: its plugin, and what was worked out about it once."""

    plugin: str
    declared: ExtensionField
    schema: Mapping[str, Any]
    default: Any
    """As JSON has it."""
    writable: Writer

    @property
    def name(self) -> str:
        """Of the field, below its plugin's code."""
        return self.declared.name

    @property
    def type(self) -> Any:
        """What a value is converted to."""
        return self.declared.type

    @property
    def has_default(self) -> bool:
        """Whether something is shown where nothing is kept."""
        return self.declared.default is not UNSET

    @property
    def words(self) -> str:
        """The type, for a sentence."""
        choices = self.schema.get("enum")
        if choices:
            return "one of " + ", ".join(str(choice) for choice in choices)
        return str(self.schema.get("type", "another value"))

    def checked(self, value: Any, at: str = "") -> Any:
        """The value as JSON has it; raises :class:`ExtensionInvalid` with its pointer."""
        try:
            return msgspec.to_builtins(msgspec.convert(value, self.type, strict=True))
        except msgspec.ValidationError as error:
            # Whoever only declares a field, such as a command line, needs no web framework.
            from commercekit.platform.http import first_error  # noqa: PLC0415 - as said above

            entry = first_error(str(error))
            pointer = f"{at}/extensions/{self.plugin}/{self.name}{entry.pointer}"
            entry = entry._replace(pointer=pointer)
            message = f"{entry.pointer}: {entry.message}"
            raise ExtensionInvalid(message, errors=(entry,)) from None


class Fields:
    """The fields of one entity. False while no plugin brought any: then nothing needs to be done."""

    def __init__(self, entity: ExtensibleEntity, fields: Iterable[Field]) -> None:
        self.entity = entity
        self._by_plugin: dict[str, dict[str, Field]] = {}
        for field in fields:
            self._by_plugin.setdefault(field.plugin, {})[field.name] = field

    def __bool__(self) -> bool:
        return bool(self._by_plugin)

    def __iter__(self) -> Iterator[Field]:
        return (field for own in self._by_plugin.values() for field in own.values())

    def knows(self, plugin: str) -> bool:
        """Whether ``plugin`` is enabled and has fields here."""
        return plugin in self._by_plugin

    def merged(
        self,
        current: Values,
        given: Mapping[str, Mapping[str, Any] | None],
        by: Writer,
        *,
        at: str = "",
    ) -> Values:
        """``current`` with what is ``given``: what is not named stays, ``null`` takes away.

        Raises :class:`ExtensionInvalid` for what is no field or no value of it, and
        :class:`ExtensionRefused` for a field that ``by`` does not write, for a required one taken
        away, and for more than 16 KiB. ``at`` is where in the body the thing stands.
        """
        merged = dict(current)
        for plugin, values in given.items():
            fields = self._fields_of(plugin, by, at)
            own = dict(merged.get(plugin, {}))
            if values is None:
                own = {name: own[name] for name in own if not _may_write(fields.get(name), by)}
            for name, value in (values or {}).items():
                field = self._field(fields, plugin, name, by, at)
                if value is None and not _takes_null(field):
                    own.pop(name, None)
                else:
                    own[name] = field.checked(value, at)
            merged[plugin] = own
            self._check_size(plugin, own, at)
            if by is Writer.ADMIN and self.entity.required:
                self._check_required(fields, own, at)
        return {plugin: own for plugin, own in merged.items() if own}

    def complete(self, values: Values, *, at: str = "") -> Values:
        """``values`` of fields there are, for something about to be made; required ones are in it.

        Raises :class:`ExtensionRefused` naming each that is missing.
        """
        for plugin, fields in self._by_plugin.items():
            self._check_required(fields, values.get(plugin, {}), at)
        return {
            plugin: kept
            for plugin, own in values.items()
            if (kept := {n: v for n, v in own.items() if n in self._by_plugin.get(plugin, ())})
        }

    def shown(self, values: Values, audience: Audience) -> Values:
        """What ``audience`` sees: fields of enabled plugins only, defaults where nothing is kept."""
        shown: Values = {}
        for plugin, fields in self._by_plugin.items():
            own = values.get(plugin, {})
            for name, field in fields.items():
                if audience is Audience.STORE and field.declared.visible is not Audience.STORE:
                    continue
                if name in own:
                    shown.setdefault(plugin, {})[name] = own[name]
                elif field.has_default:
                    shown.setdefault(plugin, {})[name] = field.default
        return shown

    def conditions(self, parameters: Iterable[tuple[str, str]]) -> list[FieldCondition]:
        """What ``?extensions.<plugin>.<field>=`` asks of a list; other parameters are passed over.

        Raises :class:`ExtensionInvalid` for a field that is not there, is not indexed, or is given a
        value of another type.
        """
        found: list[FieldCondition] = []
        for parameter, text in parameters:
            if not parameter.startswith(PREFIX):
                continue
            plugin, _, name = parameter[len(PREFIX) :].partition(".")
            field = self._by_plugin.get(plugin, {}).get(name)
            if field is None or not field.declared.indexed:
                indexed = [f"{PREFIX}{f.plugin}.{f.name}" for f in self if f.declared.indexed]
                message = f"Lists of this kind are filtered by {', '.join(indexed) or 'no field'}."
                entry = FieldError(f"?{parameter[:100]}", "unknown-parameter", message)
                raise ExtensionInvalid(message, errors=(entry,))
            found.append(condition_of(field, text))
        return found

    def _fields_of(self, plugin: str, by: Writer, at: str) -> dict[str, Field]:
        fields = self._by_plugin.get(plugin)
        if fields is None or not _sees(fields.values(), by):
            message = "No plugin of this name has fields here."
            pointer = f"{at}/extensions/{_escaped(plugin)}"
            raise _unknown(pointer, message)
        return fields

    @staticmethod
    def _field(fields: Mapping[str, Field], plugin: str, name: str, by: Writer, at: str) -> Field:
        field = fields.get(name)
        pointer = f"{at}/extensions/{plugin}/{_escaped(name)}"
        if field is None or not _sees([field], by):
            message = "This field is not known here."
            raise _unknown(pointer, message)
        if _RANK[by] < _RANK[field.writable]:
            message = "This field is not written by hand."
            if by is Writer.STORE:
                message = "Shoppers do not write this field."
            raise ExtensionRefused(message, errors=(FieldError(pointer, "read-only", message),))
        return field

    @staticmethod
    def _check_required(fields: Mapping[str, Field], own: Mapping[str, Any], at: str = "") -> None:
        missing = tuple(
            FieldError(f"{at}/extensions/{f.plugin}/{f.name}", "missing", "This field is missing.")
            for f in fields.values()
            if f.declared.required and f.name not in own
        )
        if missing:
            message = f"{missing[0].pointer}: {missing[0].message}"
            raise ExtensionRefused(message, errors=missing)

    @staticmethod
    def _check_size(plugin: str, own: Mapping[str, Any], at: str) -> None:
        if len(msgspec.json.encode(own)) > MAX_BYTES:
            message = f"All fields of one plugin together take {MAX_BYTES // 1024} KiB at most."
            entry = FieldError(f"{at}/extensions/{plugin}", "too-long", message)
            raise ExtensionRefused(message, errors=(entry,))


class FieldBook:
    """The fields of all entities, as the plugins of this shop declare them."""

    def __init__(
        self,
        entities: Iterable[ExtensibleEntity] = (),
        offered: Iterable[tuple[str, ExtensionField]] = (),
    ) -> None:
        """``offered`` are pairs of a plugin's code and a field of it.

        Raises :class:`~commercekit.errors.ConfigurationError` with a sentence about the first that
        does not fit.
        """
        self._entities = {entity.name: entity for entity in entities}
        fields: dict[str, dict[tuple[str, str], Field]] = {name: {} for name in self._entities}
        for plugin, declared in offered:
            self._add(fields, plugin, declared, declared.writable)
            carried_to = self._entities[declared.entity].carried_to
            if carried_to is not None:
                # On what was ordered it is a record: staff may correct it, shoppers read it.
                writable = Writer.PLUGIN if declared.writable is Writer.PLUGIN else Writer.ADMIN
                copy = msgspec.structs.replace(declared, entity=carried_to, required=False)
                self._add(fields, plugin, copy, writable)
        self._fields = {
            name: Fields(entity, fields[name].values()) for name, entity in self._entities.items()
        }

    def of(self, entity: str) -> Fields:
        """The fields of one entity."""
        return self._fields[entity]

    @property
    def entities(self) -> tuple[ExtensibleEntity, ...]:
        """What takes fields."""
        return tuple(self._entities.values())

    @cached_property
    def views(self) -> tuple[FieldView, ...]:
        """All fields, by entity, plugin and name."""
        return tuple(
            FieldView(
                entity=entity,
                plugin=field.plugin,
                name=field.name,
                label=field.declared.label,
                schema=dict(field.schema),
                required=field.declared.required,
                default=field.default,
                indexed=field.declared.indexed,
                visible=field.declared.visible,
                writable=field.writable,
            )
            for entity, fields in sorted(self._fields.items())
            for field in sorted(fields, key=lambda each: (each.plugin, each.name))
        )

    def _add(
        self,
        fields: dict[str, dict[tuple[str, str], Field]],
        plugin: str,
        declared: ExtensionField,
        writable: Writer,
    ) -> None:
        where = f"The plugin {plugin!r} declares the extension field {declared.name!r}"
        entity = self._entities.get(declared.entity)
        if entity is None:
            there = ", ".join(self._entities) or "none"
            _refuse(f"{where} on {declared.entity!r}; fields can be added to {there}")
        if not _CODE.match(plugin) or not _NAME.match(declared.name):
            _refuse(f"{where}; write it in lower-case letters, digits and underscores")
        if (plugin, declared.name) in fields[entity.name]:
            _refuse(
                f"{where} twice on {entity.name}; a field of a cart is one of the order already"
            )
        if not declared.label.get("en"):
            _refuse(f"{where} without an English label; consoles show it")
        schema, default = _worked_out(where, declared)
        if declared.required and declared.default is not UNSET:
            _refuse(f"{where} as required and with a default; choose one")
        if declared.required and not entity.required:
            _refuse(
                f"{where} as required on {entity.name}, which nobody fills in; require it before"
            )
        if writable is Writer.STORE and not entity.shoppers_write:
            _refuse(f"{where} as writable by shoppers on {entity.name}; they write carts only")
        if declared.indexed and not _is_single(schema):
            _refuse(f"{where} as indexed; only single values can be, not lists and objects")
        fields[entity.name][plugin, declared.name] = Field(
            plugin, declared, schema, default, writable
        )


_RANK: Final = {Writer.STORE: 0, Writer.ADMIN: 1, Writer.PLUGIN: 2}


def _sees(fields: Iterable[Field], by: Writer) -> bool:
    """Whether it is there to ``by``: what shoppers do not see does not exist to them."""
    return by is not Writer.STORE or any(
        field.declared.visible is Audience.STORE for field in fields
    )


def _may_write(field: Field | None, by: Writer) -> bool:
    """Whether ``by`` may take the value away; what is no field any more is anybody's."""
    return field is None or (_sees([field], by) and _RANK[by] >= _RANK[field.writable])


def _takes_null(field: Field) -> bool:
    return any(kind.get("type") == "null" for kind in field.schema.get("anyOf", ()))


def _worked_out(where: str, declared: ExtensionField) -> tuple[dict[str, Any], Any]:
    """The JSON Schema of the type and the default as JSON has it; a sentence when there are none."""
    try:
        schema = msgspec.json.schema(declared.type)
        msgspec.json.Decoder(declared.type)
    except (TypeError, NotImplementedError) as error:
        _refuse(f"{where} with a type that JSON cannot carry: {error}")
    if "$ref" in schema and "$defs" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if len(schema["$defs"]) == 1:
            schema = schema["$defs"][name]
    default = None
    if declared.default is not UNSET:
        try:
            default = msgspec.to_builtins(
                msgspec.convert(msgspec.to_builtins(declared.default), declared.type)
            )
        except (msgspec.ValidationError, TypeError) as error:
            _refuse(f"{where} with a default that is none of its type: {error}")
    return schema, default


def _is_single(schema: Mapping[str, Any]) -> bool:
    if "anyOf" in schema:
        return all(_is_single(each) for each in schema["anyOf"])
    return "enum" in schema or schema.get("type") in _SINGLE


def _escaped(name: str) -> str:
    """As a JSON pointer writes what somebody made up."""
    return name[:100].replace("~", "~0").replace("/", "~1")


def _unknown(pointer: str, message: str) -> ExtensionInvalid:
    return ExtensionInvalid(
        f"{pointer}: {message}", errors=(FieldError(pointer, "unknown-field", message),)
    )


def _refuse(sentence: str) -> NoReturn:
    message = f"{sentence}."
    raise ConfigurationError(message)

"""From ``?extensions.acme.colour=red`` to a condition that its index serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from commercekit.errors import FieldError
from commercekit.platform.extensions.errors import ExtensionInvalid

if TYPE_CHECKING:
    from commercekit.platform.extensions.book import Field

__all__ = ["PREFIX", "FieldCondition", "condition_of", "expression_of"]

PREFIX = "extensions."


class FieldCondition(NamedTuple):
    """That one field has one value."""

    plugin: str
    name: str
    value: str
    or_missing: bool
    """It is the default, so what keeps no value has it too."""

    def written(self, alias: str, parameter: int) -> str:
        """The condition on the rows called ``alias``; the value goes into ``$parameter``."""
        expression = expression_of(self.plugin, self.name, f"{alias}.")
        equal = f"{expression} = ${parameter}::text"
        return f"({equal} OR {expression} IS NULL)" if self.or_missing else equal


def expression_of(plugin: str, name: str, column: str = "") -> str:
    """What is indexed and compared; code and name are letters, digits, ``-`` and ``_`` only."""
    return f"""({column}extensions #>> '{{"{plugin}","{name}"}}')"""


def condition_of(field: Field, text: str) -> FieldCondition:
    """The condition that a value written as ``text`` puts; refused when it is none of the type."""
    value = _value(field, text)
    or_missing = field.has_default and value == _text(field.default)
    return FieldCondition(field.plugin, field.name, value, or_missing)


def _value(field: Field, text: str) -> str:
    """As PostgreSQL shows a single value of a JSON document."""
    for given in (text, *_as_json(text)):
        try:
            value = msgspec.convert(given, field.type, strict=True)
        except msgspec.ValidationError:
            continue
        return _text(msgspec.to_builtins(value))
    where = f"?{PREFIX}{field.plugin}.{field.name}"
    message = f"{where[1:]} takes {field.words}."
    raise ExtensionInvalid(message, errors=(FieldError(where, "wrong-type", message),))


def _as_json(text: str) -> list[Any]:
    try:
        return [msgspec.json.decode(text)]
    except msgspec.DecodeError:
        return []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()

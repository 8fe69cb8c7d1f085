"""Every setting there is, for the reference in the docs and for ``commercekit config``."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from commercekit.platform.settings.durations import format_duration
from commercekit.platform.settings.fields import (
    documented,
    is_struct,
    item_type,
    mapping_type,
    mentions,
    settings_fields,
    split,
    words,
)
from commercekit.platform.settings.secret import MASK, Secret
from commercekit.platform.settings.variables import variable_name

__all__ = ["SettingDoc", "describe_settings", "masked", "settings_table", "value_at"]


class SettingDoc(NamedTuple):
    """One setting as the reference shows it."""

    path: str
    """``<name>`` stands for a key that the shop chooses."""
    type: str
    default: str
    """Empty when it must be given."""
    variable: str
    doc: str


def describe_settings(
    root_type: type[msgspec.Struct],
    *,
    sections: Mapping[str, type[msgspec.Struct] | None] | None = None,
) -> tuple[SettingDoc, ...]:
    """Every setting in the order of the types, plugins' sections last."""
    rows = list(_describe(root_type, ""))
    for name, kind in (sections or {}).items():
        if kind is not None:
            rows += _describe(kind, f"plugins.{name}")
    return tuple(rows)


def _describe(kind: type[msgspec.Struct], path: str, preset: Any = None) -> Iterator[SettingDoc]:
    meanings = documented(kind)
    for field in settings_fields(kind):
        at = f"{path}.{field.name}" if path else field.name
        default = getattr(preset, field.name) if isinstance(preset, kind) else field.default
        bare, _, _ = split(field.type)
        value_type = mapping_type(bare)
        inner = split(value_type)[0] if value_type is not None else item_type(bare)
        if is_struct(bare):
            yield from _describe(bare, at, default)
        elif inner is not None and is_struct(inner) and value_type is not None:
            yield from _describe(inner, f"{at}.<name>")
        else:
            yield SettingDoc(
                at,
                words(field.type),
                _default_text(default, secret=mentions(field.type, Secret)),
                variable_name(at),
                meanings.get(field.name, ""),
            )


def _default_text(default: Any, *, secret: bool) -> str:
    if default is msgspec.NODEFAULT:
        return ""
    if default is None:
        return "nothing"
    if secret:
        return MASK
    value = masked(default)
    if value == "":
        return '""'
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def settings_table(rows: tuple[SettingDoc, ...]) -> str:
    """The reference as a Markdown table."""
    lines = ["| setting | type | default | environment | meaning |", "|---|---|---|---|---|"]
    for row in rows:
        cells = [f"`{row.path}`", row.type, f"`{row.default}`" if row.default else "required"]
        cells += [f"`{row.variable}`", row.doc]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def masked(value: Any) -> Any:
    """A tree of settings as plain values that may be printed: secrets are replaced."""
    if isinstance(value, msgspec.Struct):
        return {name: masked(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {str(key): masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(inner) for inner in value]
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, enum.Enum):
        return value.value
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def value_at(tree: msgspec.Struct, path: str) -> Any:
    """The value at ``http.port``; ``KeyError`` when there is no such setting."""
    value: Any = tree
    for key in path.split("."):
        if isinstance(value, msgspec.Struct) and key in value.__struct_fields__:
            value = getattr(value, key)
        elif isinstance(value, Mapping) and key in value:
            value = value[key]
        else:
            raise KeyError(path)
    return value

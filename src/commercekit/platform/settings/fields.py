"""What a settings Struct declares: fields, defaults, documentation and types in plain words."""

from __future__ import annotations

import ast
import enum
import inspect
import itertools
import textwrap
import types
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

__all__ = [
    "SettingField",
    "choices_of",
    "documented",
    "is_struct",
    "item_type",
    "mapping_type",
    "mentions",
    "settings_fields",
    "split",
    "words",
]

_PLAIN: Mapping[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    timedelta: 'a duration such as "15m"',
    Path: "a path",
    Any: "anything",
}


class SettingField(NamedTuple):
    """One field of a settings Struct."""

    name: str
    type: Any
    required: bool
    default: Any
    """``msgspec.NODEFAULT`` when required."""


def is_struct(kind: Any) -> bool:
    """Whether ``kind`` is a table with named fields."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def split(kind: Any) -> tuple[Any, tuple[msgspec.Meta, ...], bool]:
    """The bare type, its constraints, and whether it may be absent (``X | None``)."""
    metas: list[msgspec.Meta] = []
    optional = False
    while True:
        origin = get_origin(kind)
        if origin is Annotated:
            kind, *extras = get_args(kind)
            metas += [extra for extra in extras if isinstance(extra, msgspec.Meta)]
        elif origin in (Union, types.UnionType):
            members = [member for member in get_args(kind) if member is not type(None)]
            if len(members) == len(get_args(kind)) or len(members) > 1:
                return kind, tuple(metas), len(members) != len(get_args(kind))
            kind, optional = members[0], True
        else:
            return kind, tuple(metas), optional


def item_type(kind: Any) -> Any | None:
    """The element type of a list, tuple or set; None when ``kind`` is none of them."""
    origin = get_origin(kind) or kind
    if origin in (list, set, frozenset, tuple, Sequence):
        arguments = [argument for argument in get_args(kind) if argument is not Ellipsis]
        return arguments[0] if arguments else Any
    return None


def mapping_type(kind: Any) -> Any | None:
    """The value type of a dict; None when ``kind`` is no dict."""
    origin = get_origin(kind) or kind
    if origin in (dict, Mapping):
        arguments = get_args(kind)
        return arguments[1] if arguments else Any
    return None


def choices_of(kind: Any) -> tuple[Any, ...]:
    """The values an enum or a Literal allows; empty for any other type."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return tuple(member.value for member in kind)
    return ()


def mentions(kind: Any, wanted: type) -> bool:
    """Whether ``wanted`` stands anywhere in the type, such as Secret in ``Secret | None``."""
    return kind is wanted or any(mentions(argument, wanted) for argument in get_args(kind))


def words(kind: Any) -> str:
    """The type as a shopkeeper would say it."""
    bare, metas, optional = split(kind)
    text = _bare_words(bare)
    for meta in metas:
        text += _constraint_words(meta, counted=bare is str or item_type(bare) is not None)
    return f"{text}, or nothing" if optional else text


def _bare_words(bare: Any) -> str:
    if bare in _PLAIN:
        return _PLAIN[bare]
    if hasattr(bare, "in_plain_words"):
        return str(bare.in_plain_words)
    if choices := choices_of(bare):
        return "one of " + ", ".join(map(str, choices))
    if is_struct(bare):
        return "a table with " + ", ".join(field.name for field in settings_fields(bare))
    if (item := item_type(bare)) is not None:
        return f"a list, each {words(item)}"
    if (value := mapping_type(bare)) is not None:
        return f"a table, each value {words(value)}"
    if get_origin(bare) in (Union, types.UnionType):
        return " or ".join(words(member) for member in get_args(bare))
    return f"a {getattr(bare, '__name__', bare)}"


def _constraint_words(meta: msgspec.Meta, *, counted: bool) -> str:
    text = ""
    if meta.ge is not None and meta.le is not None:
        text += f" from {meta.ge} to {meta.le}"
    elif meta.ge is not None:
        text += f" of at least {meta.ge}"
    elif meta.le is not None:
        text += f" of at most {meta.le}"
    if meta.gt is not None:
        text += f" above {meta.gt}"
    if meta.lt is not None:
        text += f" below {meta.lt}"
    if meta.multiple_of is not None:
        text += f" that is a multiple of {meta.multiple_of}"
    unit = " long" if counted else ""
    if meta.min_length is not None:
        text += f", at least {meta.min_length}{unit}"
    if meta.max_length is not None:
        text += f", at most {meta.max_length}{unit}"
    if meta.pattern is not None:
        text += f" matching {meta.pattern}"
    return text


@cache
def settings_fields(kind: type[msgspec.Struct]) -> tuple[SettingField, ...]:
    """The fields in order."""
    fields: list[SettingField] = []
    for field in msgspec.structs.fields(kind):
        default = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        fields.append(SettingField(field.name, field.type, field.required, default))
    return tuple(fields)


def documented(kind: type[msgspec.Struct]) -> dict[str, str]:
    """What each field means: its ``Meta(description=…)``, or the string below it.

    Apart from the fields, because that string is read from the source, and a start has no time for it.
    """
    meanings = _docstrings(kind)
    for field in msgspec.structs.fields(kind):
        _, metas, _ = split(field.type)
        described = [meta.description for meta in metas if meta.description]
        if described:
            meanings[field.name] = described[0]
    return meanings


def _docstrings(kind: type[msgspec.Struct]) -> dict[str, str]:
    """The string literal below each attribute, for every class of the family."""
    found: dict[str, str] = {}
    for family in reversed(kind.__mro__):
        if family in (object, msgspec.Struct) or not issubclass(family, msgspec.Struct):
            continue
        try:
            source = textwrap.dedent(inspect.getsource(family))
        except (OSError, TypeError):  # made at run time: there is no text to read
            continue
        body = ast.parse(source).body[0]
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for statement, below in itertools.pairwise(statements):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                found[statement.target.id] = " ".join(below.value.value.split())
    return found

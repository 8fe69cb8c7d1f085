"""Does a value have the type that an annotation promises? For what foreign code returns."""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping
from typing import Any, TypeVar, Union, get_args, get_origin

__all__ = ["fits", "type_words"]


def fits(value: Any, kind: Any) -> bool:
    """Whether ``value`` is of ``kind``; elements of collections are looked at one by one.

    What cannot be judged at run time (``Any``, a type variable, a plain Protocol) passes.
    """
    if kind is Any or isinstance(kind, TypeVar | str):
        return True
    if kind is None or kind is type(None):
        return value is None
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return any(fits(value, member) for member in arguments)
    if origin is type:
        return isinstance(value, type) and _is_subclass(value, arguments[0])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, origin) and all(fits(v, arguments[1]) for v in value.values())
    if isinstance(origin, type) and issubclass(origin, Collection):
        return _holds(value, origin, [each for each in arguments if each is not Ellipsis])
    return _is_instance(value, origin or kind)


def _holds(value: Any, origin: type[Collection[Any]], arguments: list[Any]) -> bool:
    if not isinstance(value, origin) or isinstance(value, str | bytes):
        return False
    return not arguments or all(fits(element, arguments[0]) for element in value)


def _is_instance(value: Any, kind: Any) -> bool:
    try:
        return isinstance(value, kind)
    except TypeError:  # a Protocol that cannot be asked at run time
        return True


def _is_subclass(value: type, kind: Any) -> bool:
    try:
        return issubclass(value, get_origin(kind) or kind)
    except TypeError:
        return True


def type_words(kind: Any) -> str:
    """The type as it stands in code, without its modules."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return " | ".join(type_words(member) for member in arguments)
    if kind is type(None):
        return "None"
    name = getattr(origin or kind, "__name__", str(kind))
    inner = ", ".join("…" if each is Ellipsis else type_words(each) for each in arguments)
    return f"{name}[{inner}]" if inner else name

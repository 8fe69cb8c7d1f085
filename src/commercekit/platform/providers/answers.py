"""Is an answer what its verb promises, to its depths? Foreign code may put anything anywhere.

A Struct checks nothing when it is made in Python, so that ``PaymentSnapshot(state="paid?")`` would go on
until something far away breaks over it. Checks are compiled once for each verb: closures over closures,
a microsecond for ten fields.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct

from commercekit.platform.providers.shapes import type_words

__all__ = ["Misfit", "check_of"]

Check = Callable[[Any], int]
"""Gives the weight of a value in bytes, roughly; raises :class:`Misfit`."""

_MOST_ITEMS: Final = 10_000
_DEEPEST: Final = 30
_INT64: Final = 1 << 63
_OWN: Final = (list, tuple, set, frozenset)


class Misfit(Exception):
    """The value is not what was promised; says where in it, and never shows it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self._problem = problem
        self._path: list[str] = []

    def inside(self, step: str) -> Misfit:
        """The same, one level further out."""
        self._path.insert(0, step)
        return self

    @property
    def depth(self) -> int:
        """How far inside of the answer it is."""
        return len(self._path)

    def __str__(self) -> str:
        return f"{'.'.join(self._path)}: {self._problem}" if self._path else self._problem


def check_of(kind: Any, most_bytes: int) -> Check:
    """The check of answers that should be of ``kind``."""
    return _Compiler(most_bytes).compile(kind)


class _Compiler:
    def __init__(self, most: int) -> None:
        self._most = most
        self._structs: dict[type[Struct], list[tuple[str, Check, bool]]] = {}

    def compile(self, kind: Any) -> Check:
        if get_origin(kind) is Annotated:
            bare, *metas = get_args(kind)
            return _constrained(self.compile(bare), [m for m in metas if isinstance(m, Meta)])
        if kind is Any or isinstance(kind, TypeVar):
            return self._any
        if kind in _SCALARS:
            return self._text(kind) if kind in {str, bytes} else _SCALARS[kind]
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in {Union, types.UnionType}:
            return _either([(each, self.compile(each)) for each in arguments], kind)
        if isinstance(origin, type) and issubclass(origin, Collection):
            if issubclass(origin, Mapping):
                return self._mapping(origin, *arguments)
            return self._collection(origin, kind, [a for a in arguments if a is not Ellipsis])
        if isinstance(kind, type) and issubclass(kind, Struct):
            return self._struct(kind)
        return _instance(origin or kind)

    def _struct(self, kind: type[Struct]) -> Check:
        fields = self._structs.get(kind)
        if fields is None:
            # Known before it is filled, so that a struct may hold itself.
            fields = self._structs[kind] = []
            hints = get_type_hints(kind, include_extras=True)
            for name in kind.__struct_fields__:
                members = get_args(hints[name])
                nullable = type(None) in members and get_origin(hints[name]) is not Annotated
                fields.append((name, self.compile(hints[name]), nullable))
        known = fields

        def check(value: Any) -> int:
            if not isinstance(value, kind):
                raise _not(kind, value)
            weight = 8
            for name, inner, nullable in known:
                held = getattr(value, name)
                if held is None and nullable:
                    continue
                try:
                    weight += inner(held)
                except Misfit as misfit:
                    raise misfit.inside(name) from None
            return weight

        return check

    def _text(self, kind: type[str | bytes]) -> Check:
        most = self._most

        def check(value: Any) -> int:
            if not isinstance(value, kind):
                raise _not(kind, value)
            weight = len(value)
            if weight > most:
                raise _too_heavy(most)
            if isinstance(value, str):
                _storable(value)
            return weight

        return check

    def _collection(self, origin: type[Collection[Any]], kind: Any, arguments: list[Any]) -> Check:
        each = self.compile(arguments[0]) if arguments else self._any
        most = self._most

        def check(value: Any) -> int:
            # Only those of Python's own: what else can be walked may never end.
            if not isinstance(value, origin) or not isinstance(value, _OWN):
                raise _not(kind, value)
            _few(value)
            weight = 8
            for index, element in enumerate(value):
                try:
                    weight += each(element)
                except Misfit as misfit:
                    step = f"[{index}]"
                    raise misfit.inside(step) from None
                if weight > most:
                    raise _too_heavy(most)
            return weight

        return check

    def _mapping(self, origin: type[Mapping[Any, Any]], key: Any, item: Any) -> Check:
        check_key, check_item = self.compile(key), self.compile(item)
        most = self._most

        def check(value: Any) -> int:
            if not isinstance(value, dict):  # as above
                raise _not(origin, value)
            _few(value)
            weight = 8
            for name, element in value.items():
                try:
                    weight += check_key(name) + check_item(element)
                except Misfit as misfit:
                    step = "{}"
                    raise misfit.inside(step) from None
                if weight > most:
                    raise _too_heavy(most)
            return weight

        return check

    def _any(self, value: Any, depth: int = 0) -> int:
        """What the annotation leaves open: only its weight counts."""
        if isinstance(value, str | bytes):
            weight = len(value)
        elif isinstance(value, dict):
            _few(value)
            weight = self._sum([*value.keys(), *value.values()], depth)
        elif isinstance(value, _OWN):
            _few(value)
            weight = self._sum(value, depth)
        else:
            weight = 8
        if weight > self._most:
            raise _too_heavy(self._most)
        return weight

    def _sum(self, values: Iterable[Any], depth: int) -> int:
        if depth > _DEEPEST:
            message = "is nested too deeply"
            raise Misfit(message)
        weight = 0
        for value in values:
            weight += self._any(value, depth + 1)
            if weight > self._most:
                raise _too_heavy(self._most)
        return weight


def _not(kind: Any, value: Any) -> Misfit:
    return Misfit(f"is {type(value).__name__[:60]}, promised was {type_words(kind)}")


def _too_heavy(most: int) -> Misfit:
    return Misfit(f"weighs more than {most:,} bytes")


def _few(value: Collection[Any]) -> None:
    if len(value) > _MOST_ITEMS:
        message = f"has {len(value):,} elements"
        raise Misfit(message)


def _storable(value: str) -> None:
    """PostgreSQL keeps neither zero characters nor halves of surrogate pairs."""
    if "\0" in value:
        message = "holds a zero character"
        raise Misfit(message)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            message = "is no Unicode text"
            raise Misfit(message) from None


def _instance(kind: Any) -> Check:
    def check(value: Any) -> int:
        try:
            fits = isinstance(value, kind)
        except TypeError:  # nothing that can be asked at run time
            fits = True
        if not fits:
            raise _not(kind, value)
        return 8

    return check


def _either(members: list[tuple[Any, Check]], kind: Any) -> Check:
    checks = [each for _, each in members]
    # A struct says itself which member it would be: no other need be tried, and found wanting.
    structs = {
        member: each
        for member, each in members
        if isinstance(member, type) and issubclass(member, Struct)
    }

    def check(value: Any) -> int:
        meant = structs.get(type(value))
        if meant is not None:
            return meant(value)
        deepest: Misfit | None = None
        for inner in checks:
            try:
                return inner(value)
            except Misfit as misfit:
                if deepest is None or misfit.depth > deepest.depth:
                    deepest = misfit
        raise deepest if deepest is not None and deepest.depth else _not(kind, value)

    # The usual case of a union is "or nothing".
    if len(checks) == 2 and checks[1] is _none:
        first = checks[0]

        def optional(value: Any) -> int:
            return 0 if value is None else first(value)

        return optional
    return check


def _constrained(inner: Check, metas: list[Meta]) -> Check:
    if not metas:
        return inner

    def check(value: Any) -> int:
        weight = inner(value)
        for meta in metas:
            if not _within(value, meta):
                message = "is out of its bounds"
                raise Misfit(message)
        return weight

    return check


def _within(value: Any, meta: Meta) -> bool:
    return not (
        (meta.ge is not None and value < meta.ge)
        or (meta.gt is not None and value <= meta.gt)
        or (meta.le is not None and value > meta.le)
        or (meta.lt is not None and value >= meta.lt)
        or (meta.min_length is not None and len(value) < meta.min_length)
        or (meta.max_length is not None and len(value) > meta.max_length)
    )


def _none(value: Any) -> int:
    if value is not None:
        raise _not(type(None), value)
    return 0


def _bool(value: Any) -> int:
    if value is not True and value is not False:
        raise _not(bool, value)
    return 1


def _int(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool | Enum):
        raise _not(int, value)
    if not -_INT64 <= value < _INT64:
        message = "is a number that no column holds"
        raise Misfit(message)
    return 8


def _float(value: Any) -> int:
    if not isinstance(value, float | int) or isinstance(value, bool):
        raise _not(float, value)
    if not math.isfinite(value):
        message = "is no finite number"
        raise Misfit(message)
    return 8


def _moment(value: Any) -> int:
    if not isinstance(value, datetime):
        raise _not(datetime, value)
    if value.tzinfo is None:
        message = "is a moment without a time zone"
        raise Misfit(message)
    return 8


_SCALARS: Final[dict[Any, Check]] = {
    str: _none,  # compiled with its bound
    bytes: _none,
    None: _none,
    type(None): _none,
    bool: _bool,
    int: _int,
    float: _float,
    datetime: _moment,
}

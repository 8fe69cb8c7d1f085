"""The public interface of one version of CommerceKit, as it is recorded and compared."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct, field

from commercekit.cli.exits import Failed

__all__ = ["Hook", "Offered", "Parameter", "PublicApi", "parameters_of"]

_FORMAT = 1


class Offered(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One name in the ``__all__`` of a front door."""

    kind: str
    """``class``, ``provider`` (an ABC), ``event``, ``function`` or ``value``."""
    bases: list[str] = []
    signature: str = ""
    """Of a function: ``async (ctx: ProviderContext, *, final: bool = True) -> PaymentSnapshot``."""
    fields: dict[str, str] = {}
    """Of a class, with what it inherits: ``Money``, or ``str = ''`` for one with a default."""
    methods: dict[str, str] = {}
    abstract: list[str] = []
    """Methods that who builds on it has to bring."""
    since: str = ""
    deprecated: str = ""
    """Since when, and what takes its place: ``0.3: build on Gateway``."""
    marked: dict[str, str] = {}
    """Of methods: what is deprecated, likewise."""
    positional: bool = True
    """Whether fields may be given without their names."""


class Hook(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a plugin may fill."""

    module: str
    signature: str
    since: str = ""
    deprecated: str = ""


class PublicApi(Struct, frozen=True, kw_only=True):
    """Everything that a plugin or a client may rely on."""

    version: str
    doors: dict[str, dict[str, Offered]]
    hooks: dict[str, Hook]
    settings: dict[str, str]
    """By path, as ``text = 'CommerceKit'``; ``<name>`` stands for a key that the shop chooses."""
    operations: dict[str, list[str]] = field(default_factory=dict)
    """Of HTTP, by ``GET /store/products``: parameters, fields of the body, answers. A wheel alone does not
    say them, so they are empty there."""
    format: int = _FORMAT

    @classmethod
    def read(cls, path: Path) -> PublicApi:
        """A recorded interface."""
        try:
            api = msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError) as error:
            message = f"{path} is no recorded interface of CommerceKit: {error}"
            raise Failed(message) from error
        if api.format != _FORMAT:
            message = f"{path} has the format {api.format}, and this version reads {_FORMAT}"
            raise Failed(message)
        return api

    def text(self) -> str:
        """As it is recorded: sorted, a line for each thing, so that a change reads well in a review."""
        plain = msgspec.json.encode(self, order="sorted")
        return msgspec.json.format(plain, indent=1).decode() + "\n"

    def door_of(self, name: str) -> str | None:
        """The front door that offers ``name``, the shortest if there are several."""
        doors = [door for door, names in self.doors.items() if name in names]
        return min(doors, key=len, default=None)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a signature."""

    name: str
    kind: str
    """``positional``, ``either``, ``keyword``, ``*`` or ``**``."""
    required: bool
    annotation: str


@cache
def parameters_of(signature: str) -> tuple[Parameter, ...]:
    """The parameters of a recorded signature; none for one that cannot be read."""
    try:
        tree = ast.parse(f"def f{signature.removeprefix('async ')}: ...")
    except SyntaxError:
        return ()
    (function,) = tree.body
    return read_parameters(function.args) if isinstance(function, ast.FunctionDef) else ()


def read_parameters(arguments: ast.arguments) -> tuple[Parameter, ...]:
    """The parameters of a function in a syntax tree."""
    found: list[Parameter] = []
    plain = [*arguments.posonlyargs, *arguments.args]
    optional_from = len(plain) - len(arguments.defaults)
    for place, each in enumerate(plain):
        kind = "positional" if place < len(arguments.posonlyargs) else "either"
        found.append(_parameter(each, kind, required=place < optional_from))
    if arguments.vararg is not None:
        found.append(_parameter(arguments.vararg, "*", required=False))
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(_parameter(each, "keyword", required=default is None))
    if arguments.kwarg is not None:
        found.append(_parameter(arguments.kwarg, "**", required=False))
    return tuple(found)


def _parameter(argument: ast.arg, kind: str, *, required: bool) -> Parameter:
    annotation = ast.unparse(argument.annotation) if argument.annotation is not None else ""
    return Parameter(argument.arg, kind, required, annotation)

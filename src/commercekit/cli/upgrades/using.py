"""What a plugin uses of the core, with file and line, read from its source and never by importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from commercekit.cli.upgrades.model import Parameter, read_parameters
from commercekit.platform.plugins import origin_of

if TYPE_CHECKING:
    from commercekit.platform.plugins import InstalledPlugin

__all__ = ["Call", "Filled", "Kind", "Place", "Read", "Taken", "Uses", "uses_of"]

_CORE: Final = "commercekit"


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a plugin."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A name out of the core: an import, or an attribute of an imported package."""

    module: str
    name: str
    at: Place

    @property
    def full(self) -> str:
        """Module and name."""
        return f"{self.module}.{self.name}" if self.name else self.module


@dataclass(frozen=True, slots=True)
class Filled:
    """A hook that the plugin fills."""

    hook: str
    asks: tuple[str, ...]
    at: Place


@dataclass(frozen=True, slots=True)
class Call:
    """Something of the core that the plugin calls, or makes one of."""

    of: str
    positional: int
    named: frozenset[str]
    open_ended: bool
    """With ``*`` or ``**``: then nobody can say from here what is given."""
    at: Place


@dataclass(frozen=True, slots=True)
class Read:
    """An attribute of something whose type is one of the core's."""

    of: str
    attribute: str
    at: Place


@dataclass(slots=True)
class Kind:
    """A class of the plugin."""

    name: str
    bases: list[str]
    """As dotted names, resolved through imports."""
    methods: dict[str, tuple[tuple[Parameter, ...], Place]]
    attributes: set[str]
    at: Place


@dataclass(slots=True)
class Uses:
    """Everything that was found in one plugin."""

    taken: list[Taken] = field(default_factory=list)
    filled: list[Filled] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)
    """By dotted name."""
    unreadable: list[Place] = field(default_factory=list)


def uses_of(plugin: InstalledPlugin) -> Uses:
    """Read every module of the plugin's package; files are named from the folder it lies in."""
    found = Uses()
    top = str(plugin.entry.module).partition(".")[0]
    for path, module, is_package in _sources(top, str(plugin.entry.module)):
        base = path.parents[len(module.split(".")) - (0 if is_package else 1)]
        read_module(path.read_text(encoding="utf-8"), module, str(path.relative_to(base)), found,
                    is_package=is_package)  # fmt: skip
    return found


def _sources(top: str, entry: str) -> Iterator[tuple[Path, str, bool]]:
    origin = origin_of(top)
    name = top
    if origin is None:  # a namespace: what lies beside the entry is the plugin's
        origin = origin_of(entry)
        name = entry
    if origin is None:
        return
    if origin.name != "__init__.py":
        if name == entry and "." in entry:
            name = entry.rpartition(".")[0]
        else:
            yield origin, name, False
            return
    for path in sorted(origin.parent.rglob("*.py")):
        parts = path.relative_to(origin.parent).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        yield path, ".".join((name, *(parts[:-1] if is_package else parts))), is_package


def read_module(text: str, module: str, file: str, into: Uses, *, is_package: bool = False) -> None:
    """Add what one module uses to ``into``."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        into.unreadable.append(Place(file, error.lineno or 1))
        return
    package = module if is_package else module.rpartition(".")[0]
    _Reader(into, module, package, file).visit(tree)


class _Reader(ast.NodeVisitor):
    """Walks one module with the names that its imports bind."""

    def __init__(self, into: Uses, module: str, package: str, file: str) -> None:
        self._into = into
        self._module = module
        self._package = package
        self._file = file
        self._names: dict[str, str] = {}
        """Local name to dotted name."""
        self._types: list[dict[str, str]] = [{}]
        """Local variable, or ``self.x``, to the class of the core that it is one of."""
        self._skip: set[int] = set()

    def _at(self, node: ast.AST) -> Place:
        return Place(self._file, getattr(node, "lineno", 1))

    # -- names ----------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            self._names[bound] = alias.name if alias.asname else bound
            if alias.name.partition(".")[0] == _CORE and alias.name != _CORE:
                self._into.taken.append(Taken(alias.name, "", self._at(node)))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level:
            parts = self._package.split(".")
            base = parts[: len(parts) - node.level + 1]
            module = ".".join([*base, module] if module else base)
        for alias in node.names:
            self._names[alias.asname or alias.name] = f"{module}.{alias.name}"
            if module.partition(".")[0] == _CORE:
                self._into.taken.append(Taken(module, alias.name, self._at(alias)))

    def _dotted(self, node: ast.AST | None) -> str | None:
        """What a name or a chain of attributes means; None for what is no name of an import."""
        if isinstance(node, ast.Subscript):  # PromotionRule[Config]
            return self._dotted(node.value)
        if isinstance(node, ast.Name):
            return self._names.get(node.id, f"{self._module}.{node.id}")
        if isinstance(node, ast.Attribute):
            before = self._dotted(node.value)
            return f"{before}.{node.attr}" if before else None
        return None

    def _core_type(self, annotation: ast.expr | None) -> str | None:
        """The class of the core that an annotation names, alone or beside None."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                annotation = ast.parse(annotation.value, mode="eval").body
            except SyntaxError:
                return None
        if isinstance(annotation, ast.BinOp):
            return self._core_type(annotation.left) or self._core_type(annotation.right)
        dotted = self._dotted(annotation)
        return dotted if dotted and dotted.startswith(f"{_CORE}.") else None

    # -- classes and functions ------------------------------------------------------------------

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        methods: dict[str, tuple[tuple[Parameter, ...], Place]] = {}
        attributes: set[str] = set()
        own: dict[str, str] = {}
        for each in node.body:
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                skipped = 0 if _is_static(each) else 1
                methods[each.name] = (read_parameters(each.args)[skipped:], self._at(each))
                own |= self._kept(each)
            elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                attributes.add(each.target.id)
                if (kind := self._core_type(each.annotation)) is not None:
                    own[f"self.{each.target.id}"] = kind
            elif isinstance(each, ast.Assign):
                attributes |= {t.id for t in each.targets if isinstance(t, ast.Name)}
        name = f"{self._module}.{node.name}"
        bases = [dotted for base in node.bases if (dotted := self._dotted(base))]
        self._into.kinds[name] = Kind(node.name, bases, methods, attributes, self._at(node))
        self._types.append({**self._types[-1], **own})
        self.generic_visit(node)
        self._types.pop()

    def _kept(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, str]:
        """What a method keeps of its typed parameters: ``self.x = x``."""
        given = self._given(function)
        kept = {}
        for node in ast.walk(function):
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Name)
                and node.value.id in given
            ):
                for target in node.targets:
                    kept[ast.unparse(target)] = given[node.value.id]
        return {name: kind for name, kind in kept.items() if name.startswith("self.")}

    def _given(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, str]:
        arguments = function.args
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        return {
            each.arg: kind
            for each in every
            if (kind := self._core_type(each.annotation)) is not None
        }

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        given = self._given(node)
        for decorator in node.decorator_list:
            marker = decorator.func if isinstance(decorator, ast.Call) else decorator
            dotted = self._dotted(marker) or ""
            if dotted.startswith(f"{_CORE}.") and dotted.endswith(".hookimpl"):
                asks = tuple(each.name for each in read_parameters(node.args))
                self._into.filled.append(Filled(node.name, asks, self._at(node)))
        hidden = {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
        outer = {name: kind for name, kind in self._types[-1].items() if name not in hidden}
        self._types.append(outer | given)
        self.generic_visit(node)
        self._types.pop()

    # -- uses -----------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> None:
        dotted = self._dotted(node.func)
        if dotted and dotted.startswith(f"{_CORE}."):
            self._into.calls.append(
                Call(
                    of=dotted,
                    positional=len(node.args),
                    named=frozenset(each.arg for each in node.keywords if each.arg),
                    open_ended=any(isinstance(each, ast.Starred) for each in node.args)
                    or any(each.arg is None for each in node.keywords),
                    at=self._at(node),
                )
            )
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if id(node) not in self._skip:
            kind = self._types[-1].get(ast.unparse(node.value))
            if kind is not None:
                self._into.reads.append(Read(kind, node.attr, self._at(node)))
            elif (dotted := self._dotted(node)) and dotted.startswith(f"{_CORE}."):
                module, _, name = dotted.rpartition(".")
                self._into.taken.append(Taken(module, name, self._at(node)))
                self._skip |= {id(each) for each in ast.walk(node.value)}
        self.generic_visit(node)


def _is_static(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        isinstance(each, ast.Name) and each.id == "staticmethod" for each in function.decorator_list
    )

"""From source, or from a wheel, to the public interface. Nothing of it is imported: it may be any version."""

from __future__ import annotations

import ast
import importlib.util
import logging
import tempfile
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path
from typing import Any, Final

import griffe

from commercekit.cli.exits import Failed
from commercekit.cli.upgrades.model import Hook, Offered, PublicApi

__all__ = ["installed_api", "read_source", "read_target"]

_PACKAGE: Final = "commercekit"
_FURTHER_DOORS: Final = frozenset(
    {
        "commercekit.platform.db.embedded",
        "commercekit.testing.conformance",
        "commercekit.testing.vendors",
    }
)
_SETTINGS: Final = "commercekit.app.settings.ShopSettings"
_EVENT: Final = "commercekit.kernel.events.DomainEvent"
_STRUCTS: Final = frozenset({"msgspec.Struct", "Struct"})
_ABCS: Final = frozenset({"abc.ABC", "ABC"})
_LONGEST: Final = 80


def installed_api() -> PublicApi:
    """The interface of the CommerceKit that runs this."""
    import commercekit  # the root package is there already

    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:  # pragma: no cover - this very code lies in it
        message = "CommerceKit is not installed as files"
        raise Failed(message)
    return read_source(Path(spec.origin).parent.parent, version=commercekit.__version__)


def read_target(file: Path) -> PublicApi:
    """The interface in ``file``: a wheel of the core, or a recorded interface."""
    if file.suffix == ".json":
        return PublicApi.read(file)
    if not zipfile.is_zipfile(file):
        message = f"{file} is neither a wheel of commercekit nor its recorded interface (.json)"
        raise Failed(message)
    with (
        tempfile.TemporaryDirectory(prefix="commercekit-target-") as folder,
        zipfile.ZipFile(file) as wheel,
    ):
        wanted = [name for name in wheel.namelist() if name.startswith(f"{_PACKAGE}/")]
        described = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        if f"{_PACKAGE}/__init__.py" not in wanted or not described:
            message = f"{file} is no wheel of commercekit"
            raise Failed(message)
        wheel.extractall(folder, [name for name in wanted if name.endswith(".py")])
        metadata = HeaderParser().parsestr(wheel.read(described[0]).decode())
        return read_source(Path(folder), version=str(metadata["Version"]))


def read_source(folder: Path, *, version: str) -> PublicApi:
    """The interface of the package ``commercekit`` in ``folder``."""
    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    package = griffe.load(
        _PACKAGE, search_paths=[folder], allow_inspection=False, try_relative_path=False
    )
    assert isinstance(package, griffe.Module)  # noqa: S101 - a package is one
    modules = list(_modules(package))
    doors = {
        module.canonical_path: {
            name: _offered(module, name) for name in sorted(map(str, module.exports))
        }
        for module in modules
        if _is_door(module) and module.exports is not None
    }
    hooks = {
        function.name: _hook(function)
        for module in modules
        if "hookspecs" in module.canonical_path.split(".")
        for function in module.functions.values()
        if not function.is_alias and _mark(function, "hookspec") is not None
    }
    settings: dict[str, str] = {}
    root = _find(package, _SETTINGS)
    if root is not None:
        settings = dict(_settings(package, root, ""))
    return PublicApi(version=version, doors=doors, hooks=hooks, settings=settings)


def _modules(module: griffe.Module) -> Iterator[griffe.Module]:
    yield module
    for child in module.modules.values():
        if isinstance(child, griffe.Module):
            yield from _modules(child)


def _is_door(module: griffe.Module) -> bool:
    parts = module.canonical_path.split(".")
    depth = 3 if parts[1:2] == ["platform"] else 2
    if module.canonical_path in _FURTHER_DOORS or len(parts) == 1:
        return True
    return len(parts) == depth or (len(parts) == 2 and not module.is_package)


def _offered(door: griffe.Module, name: str) -> Offered:
    thing: Any = door.members.get(name)
    try:
        thing = thing.final_target if thing is not None and thing.is_alias else thing
    except griffe.GriffeError:  # out of another distribution
        thing = None
    if isinstance(thing, griffe.Class):
        return _class(thing)
    if isinstance(thing, griffe.Function):
        since, gone = _lifetime(thing)
        return Offered(kind="function", signature=_signature(thing), since=since, deprecated=gone)
    return Offered(kind="value")


def _class(thing: griffe.Class) -> Offered:
    ancestors = _ancestors(thing)
    bases = {base.canonical_path for base in ancestors}
    named = {_path(base) for each in (thing, *ancestors) for base in each.bases}
    fields: dict[str, str] = {}
    methods: dict[str, griffe.Function] = {}
    for each in (*reversed(ancestors), thing):
        for name, member in each.members.items():
            if name.startswith("_") and name != "__init__":
                continue
            if isinstance(member, griffe.Attribute):
                fields[name] = _field(member)
            elif isinstance(member, griffe.Function):
                methods[name] = member
    since, gone = _lifetime(thing)
    kind = "class"
    if _EVENT in bases:
        kind = "event"
    elif named & _ABCS:
        kind = "provider"
    return Offered(
        kind=kind,
        bases=[str(base) for base in thing.bases],
        fields=fields,
        methods={name: _signature(method) for name, method in methods.items()},
        abstract=sorted(n for n, method in methods.items() if "abstractmethod" in method.labels),
        marked={
            name: marked for name, method in methods.items() if (marked := _lifetime(method)[1])
        },
        positional=str(thing.keywords.get("kw_only", "False")) != "True",
        since=since,
        deprecated=gone,
    )


def _ancestors(thing: griffe.Class) -> list[griffe.Class]:
    """Classes of the core that it builds on, nearest first."""
    try:
        return list(thing.mro())
    except ValueError:
        return []


def _path(base: Any) -> str:
    return str(getattr(base, "canonical_path", base))


def _field(member: griffe.Attribute) -> str:
    kind = _short(str(member.annotation)) if member.annotation is not None else ""
    if member.labels & {"class-attribute", "instance-attribute"} == {"class-attribute"}:
        kind = f"ClassVar[{kind}]" if kind else "ClassVar"
    if "property" in member.labels or member.value is None:
        return kind
    value = _short(str(member.value))
    return f"{kind} = {value}" if kind else f"= {value}"


def _short(text: str) -> str:
    """One line that does not change with a wording: descriptions of settings are no interface."""
    text = " ".join(text.split())
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return text[:_LONGEST]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [each for each in node.keywords if each.arg != "description"]
    # Annotated[str, Meta()] says no more than str.
    text = ast.unparse(tree).replace(", Meta()", "")
    bare = ast.parse(text, mode="eval").body
    if (
        isinstance(bare, ast.Subscript)
        and ast.unparse(bare.value) == "Annotated"
        and not isinstance(bare.slice, ast.Tuple)
    ):
        text = ast.unparse(bare.slice)
    return text


def _signature(function: griffe.Function) -> str:
    shown, star = [], False
    for each in function.parameters:
        if each.name in {"self", "cls"}:
            continue
        text = each.name
        kind = each.kind
        if kind is griffe.ParameterKind.var_positional:
            text, star = f"*{text}", True
        elif kind is griffe.ParameterKind.var_keyword:
            text = f"**{text}"
        elif kind is griffe.ParameterKind.keyword_only and not star:
            shown.append("*")
            star = True
        if each.annotation is not None:
            text += f": {each.annotation}"
        starred = kind in {griffe.ParameterKind.var_positional, griffe.ParameterKind.var_keyword}
        if each.default is not None and not starred:
            text += f" = {each.default}"
        shown.append(text)
        if kind is griffe.ParameterKind.positional_only and not any(
            other.kind is griffe.ParameterKind.positional_only
            for other in list(function.parameters)[len(shown) :]
        ):
            shown.append("/")
    returns = f" -> {function.returns}" if function.returns is not None else ""
    return f"{'async ' if 'async' in function.labels else ''}({', '.join(shown)}){returns}"


def _hook(function: griffe.Function) -> Hook:
    module = function.module.canonical_path.rpartition(".")[0]
    since, gone = _lifetime(function)
    return Hook(module=module, signature=_signature(function), since=since, deprecated=gone)


def _lifetime(thing: griffe.Function | griffe.Class) -> tuple[str, str]:
    """Since when it is there, and what its deprecation says; empty where it is not marked."""
    since, gone = _mark(thing, "since"), _mark(thing, "deprecated")
    return _words(since)[0] if since else "", ": ".join(_words(gone)) if gone else ""


def _mark(thing: griffe.Function | griffe.Class, name: str) -> str | None:
    """The text of the decorator of that name out of the plugins' front door."""
    for decorator in thing.decorators:
        path = decorator.callable_path
        if path.startswith(_PACKAGE) and path.rpartition(".")[2] == name:
            return str(decorator.value)
    return None


def _words(call: str) -> list[str]:
    tree = ast.parse(call, mode="eval").body
    if not isinstance(tree, ast.Call):
        return [""]
    values = [*tree.args, *(each.value for each in tree.keywords)]
    return [str(each.value) for each in values if isinstance(each, ast.Constant)] or [""]


# -- settings -----------------------------------------------------------------------------------


def _settings(package: griffe.Module, struct: griffe.Class, path: str) -> Iterator[tuple[str, str]]:
    for each in (*reversed(_ancestors(struct)), struct):
        for name, member in each.members.items():
            if not isinstance(member, griffe.Attribute) or "property" in member.labels:
                continue
            if name.startswith("_"):
                continue
            at = f"{path}.{name}" if path else name
            inner = _struct_in(package, member.annotation)
            text = str(member.annotation)
            if inner is None or text.removeprefix("Annotated[").startswith(("tuple[", "list[")):
                yield at, _field(member)
            elif text.removeprefix("Annotated[").startswith("dict["):
                yield from _settings(package, inner, f"{at}.<name>")
            else:
                yield from _settings(package, inner, at)


def _struct_in(package: griffe.Module, annotation: Any) -> griffe.Class | None:
    """The table of settings that an annotation names, if it names one."""
    if not isinstance(annotation, griffe.Expr):
        return None
    for part in annotation.iterate(flat=True):
        if not isinstance(part, griffe.ExprName):
            continue
        found = _find(package, part.canonical_path)
        if found is not None and any(
            _path(base) in _STRUCTS for each in (found, *_ancestors(found)) for base in each.bases
        ):
            return found
    return None


def _find(package: griffe.Module, path: str) -> griffe.Class | None:
    if not path.startswith(f"{_PACKAGE}."):
        return None
    try:
        found: Any = package[path.removeprefix(f"{_PACKAGE}.")]
        found = found.final_target if found.is_alias else found
    except (KeyError, griffe.GriffeError):
        return None
    return found if isinstance(found, griffe.Class) else None

"""A plugin as the scale sees it: a checked-out folder, or what a wheel left behind. Nothing is imported."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import Distribution, EntryPoint, distribution, entry_points
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from commercekit.cli.quality.documents import Document
from commercekit.cli.quality.syntax import SourceFile, dotted, names_in
from commercekit.errors import NotFound

__all__ = ["GROUP", "NotAPlugin", "PluginFolder", "SettingsClass"]

GROUP = "commercekit"


class NotAPlugin(NotFound):
    """There is no plugin of that name, or in that folder."""

    title = "This is no plugin"
    title_zh = "这不是插件"


@dataclass(frozen=True)
class SettingsClass:
    """A Struct that operators or staff fill in."""

    file: SourceFile
    node: ast.ClassDef
    path: str
    """Where its fields stand: ``plugins.acme``; empty for accounts, whose place the shop chooses."""


@dataclass(frozen=True)
class PluginFolder:
    """One plugin. ``root`` is the folder with its ``pyproject.toml``, None where only a wheel is."""

    code: str
    entry_module: str
    project: Mapping[str, Any]
    root: Path | None
    base: Path
    """The folder on Python's path that holds the package."""
    readme: Document
    metadata: Mapping[str, Any] = field(default_factory=dict)

    # ------------------------------------------------------------------------------ where it is

    @classmethod
    def find(cls, name: str) -> PluginFolder:
        """By its folder, or by the code of an installed plugin.

        An editable installation leads to its sources. Raises :class:`NotAPlugin`.
        """
        folder = Path(name)
        if (folder / "pyproject.toml").is_file():
            return cls.at(folder)
        for entry in entry_points(group=GROUP):
            if entry.name == name and entry.dist is not None:
                sources = _sources(entry.dist)
                return cls.at(sources) if sources else cls._installed(entry, entry.dist)
        there = ", ".join(sorted(entry.name for entry in entry_points(group=GROUP))) or "none"
        message = (
            f"{name} is neither a folder with a pyproject.toml nor an installed plugin; "
            f"installed: {there}"
        )
        raise NotAPlugin(message)

    @classmethod
    def at(cls, root: Path) -> PluginFolder:
        """The plugin whose sources lie in ``root``."""
        root = root.resolve()
        try:
            project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            message = f"{root / 'pyproject.toml'} cannot be read: {error}"
            raise NotAPlugin(message) from error
        table = project.get("project", {})
        entries = table.get("entry-points", {}).get(GROUP, {})
        if not entries:
            message = (
                f"{root.name} has no entry point in the group {GROUP!r}: a plugin names its module "
                f"under [project.entry-points.{GROUP}]"
            )
            raise NotAPlugin(message)
        code, module = next(iter(entries.items()))
        base = root / "src" if (root / "src").is_dir() else root
        readme = Document.read(root)
        return cls(code, module.partition(":")[0], table, root, base, readme)

    @classmethod
    def _installed(cls, entry: EntryPoint, dist: Distribution) -> PluginFolder:
        meta = dist.metadata
        project = {
            "name": dist.name,
            "version": dist.version,
            "description": str(meta["Summary"] or ""),
            "requires-python": str(meta["Requires-Python"] or ""),
            "license": str(meta["License-Expression"] or meta["License"] or ""),
            "dependencies": [one for one in dist.requires or [] if "extra ==" not in one],
            "readme": "README.md",
            "entry-points": {GROUP: {entry.name: entry.value}},
        }
        text = str(meta.get_payload())  # type: ignore[attr-defined]  # a Message, says the standard
        base = Path(str(dist.locate_file("")))
        return cls(entry.name, entry.module, project, None, base, Document.of(text))

    @property
    def distribution(self) -> str:
        """``commercekit-payment-acme``."""
        return str(self.project.get("name", ""))

    @property
    def version(self) -> str:
        """Of the distribution."""
        return str(self.project.get("version", ""))

    @property
    def package(self) -> str:
        """The package that the entry point lies in."""
        return self.entry_module.split(".")[0]

    @property
    def dependencies(self) -> list[str]:
        """As they are declared, ``commercekit>=0.1,<0.2``."""
        return [str(one) for one in self.project.get("dependencies", [])]

    # ------------------------------------------------------------------------------ its Python

    @cached_property
    def modules(self) -> tuple[SourceFile, ...]:
        """The files of its package."""
        return tuple(self._read(self.base, self.base / self.package))

    @cached_property
    def tests(self) -> tuple[SourceFile, ...]:
        """The files of its tests; none where only a wheel is."""
        if self.root is None or not (self.root / "tests").is_dir():
            return ()
        return tuple(self._read(self.root, self.root / "tests"))

    def _read(self, base: Path, folder: Path) -> Iterator[SourceFile]:
        paths = sorted(folder.rglob("*.py")) if folder.is_dir() else []
        single = folder.with_suffix(".py")
        for path in [*paths, *([single] if single.is_file() else [])]:
            parts = list(path.relative_to(base).with_suffix("").parts)
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            shown = str(path.relative_to(self.root or base))
            try:
                yield SourceFile(name, path, shown, is_package)
            except SyntaxError as error:
                message = f"{shown} is no Python: {error.msg} in line {error.lineno}"
                raise NotAPlugin(message) from error

    @cached_property
    def entry(self) -> SourceFile | None:
        """The module behind the entry point."""
        return next((one for one in self.modules if one.name == self.entry_module), None)

    @cached_property
    def hooks(self) -> Mapping[str, ast.FunctionDef | ast.AsyncFunctionDef]:
        """The hooks that it fills, by name."""
        if self.entry is None:
            return {}
        return {
            node.name: node
            for node in self.entry.tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and any("hookimpl" in names_in(decorator) for decorator in node.decorator_list)
        }

    # ------------------------------------------------------------------------------ its settings

    @cached_property
    def structs(self) -> Mapping[str, tuple[SourceFile, ast.ClassDef]]:
        """Every Struct of the package that is defined at the top of a file, by name."""
        found: dict[str, tuple[SourceFile, ast.ClassDef]] = {}
        known = {"Struct"}
        waiting = [(file, node) for file in self.modules for node in file.classes.values()]
        progress = True
        while progress:
            progress = False
            for file, node in list(waiting):
                if known & {dotted(base).rpartition(".")[2] for base in node.bases}:
                    found[node.name] = (file, node)
                    known.add(node.name)
                    waiting.remove((file, node))
                    progress = True
        return found

    @cached_property
    def settings(self) -> tuple[SettingsClass, ...]:
        """What operators and staff fill in: the plugin's section, its providers' configuration.

        Structs that stand inside of these are part of them.
        """
        roots: dict[str, str] = {}
        register = self.hooks.get("register_settings")
        for node in ast.walk(register) if register is not None else ():
            if isinstance(node, ast.Return) and node.value is not None:
                name = dotted(node.value).rpartition(".")[2]
                if name in self.structs:
                    roots[name] = f"plugins.{self.code}"
        for file in self.modules:
            for kind in file.classes.values():
                for field_ in kind.body:
                    target = getattr(field_, "target", None) or next(
                        iter(getattr(field_, "targets", ())), None
                    )
                    if isinstance(target, ast.Name) and target.id == "config_type":
                        name = dotted(getattr(field_, "value", None) or target).rpartition(".")[2]
                        if name in self.structs:
                            roots.setdefault(name, "")
        return tuple(self._with_inner(roots))

    def _with_inner(self, roots: dict[str, str]) -> Iterator[SettingsClass]:
        pending, seen = list(roots.items()), set(roots)
        while pending:
            name, path = pending.pop(0)
            file, node = self.structs[name]
            yield SettingsClass(file, node, path)
            for field_ in (one for one in node.body if isinstance(one, ast.AnnAssign)):
                for inner in names_in(field_.annotation) & set(self.structs):
                    if inner not in seen:
                        seen.add(inner)
                        # The fields of a row in a list have no path of their own.
                        single = isinstance(field_.annotation, ast.Name)
                        at = f"{path}.{field_.target.id}" if path and single else ""  # type: ignore[union-attr]  # fields have names
                        pending.append((inner, at))


def _sources(dist: Distribution) -> Path | None:
    """Where an editable installation has its sources (PEP 610)."""
    text = dist.read_text("direct_url.json")
    if text is None:
        return None
    told = json.loads(text)
    address = urlsplit(str(told.get("url", "")))
    folder = Path(unquote(address.path))
    editable = bool(told.get("dir_info", {}).get("editable"))
    here = address.scheme == "file" and (folder / "pyproject.toml").is_file()
    return folder if editable and here else None


def plain_name(requirement: str) -> str:
    """``acme-sdk`` of ``Acme_SDK[http]>=2``."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", found.group()).lower() if found else ""


def version_of(name: str) -> str | None:
    """Of an installed distribution; None where it is not installed."""
    try:
        return distribution(name).version
    except ModuleNotFoundError:
        return None

"""Settings: typed, described, and with secrets that do not print."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from commercekit.cli.quality.folder import PluginFolder
from commercekit.cli.quality.syntax import SourceFile, calls, dotted, fields_of, names_in

__all__ = [
    "secret_fields",
    "secret_settings",
    "secrets_change",
    "settings_listed",
    "typed_settings",
]

_SECRET: Final = re.compile(
    r"(^|_)(secret|password|passphrase|token|credential|(api|private|secret|signing)_key)s?(_|$)"
)
_LOOSE: Final = frozenset({"Any", "object"})


def typed_settings(plugin: PluginFolder) -> Iterator[str]:
    """Every setting has a type that says something, and a sentence."""
    for kind in plugin.settings:
        yield from _undescribed(kind.file, kind.node, set(plugin.structs))
        for field in fields_of(kind.node):
            loose = names_in(field.annotation) & _LOOSE
            if loose:
                yield f"{kind.file.at(field)}: {dotted(field.target)} is {loose.pop()}: name a type"
    register = plugin.hooks.get("register_settings")
    if register is not None and not any(kind.path for kind in plugin.settings):
        yield "register_settings returns no msgspec Struct of this package"


def secret_fields(plugin: PluginFolder) -> Iterator[tuple[SourceFile, ast.AnnAssign, bool]]:
    """Settings that are secrets, by name or by type; and whether the type says so."""
    for kind in plugin.settings:
        for field in fields_of(kind.node):
            typed = "Secret" in names_in(field.annotation)
            if typed or _SECRET.search(dotted(field.target)):
                yield kind.file, field, typed


def secret_settings(plugin: PluginFolder) -> Iterator[str]:
    """What is secret has the type that does not print."""
    for file, field, typed in secret_fields(plugin):
        if not typed:
            yield f"{file.at(field)}: {dotted(field.target)} is a secret; its type is Secret"


def secrets_change(plugin: PluginFolder) -> Iterator[str]:
    """A secret can be changed while the shop serves, or the README says how else."""
    names = {dotted(field.target) for _, field, _ in secret_fields(plugin)}
    told = plugin.readme.section(
        r"(chang|rotate|rotating|rotation|renew)\w* .*(secret|key|token|password)"
    )
    for name in sorted(names):
        bare = re.sub(r"^(previous|old|next|new)_", "", name)
        partners = {f"{word}_{bare}" for word in ("previous", "old", "next", "new")}
        if told is None and bare == name and not partners & names:
            yield (
                f"{name} has no previous_{name} beside it, and the README has no section on "
                "changing secrets"
            )


def settings_listed(plugin: PluginFolder) -> Iterator[str]:
    """The README has a row for each setting."""
    rows = [line for line in plugin.readme.english.splitlines() if line.startswith("|")]
    cells = " ".join(row.split("|")[1] for row in rows)
    for kind in plugin.settings:
        for field in fields_of(kind.node):
            name = dotted(field.target)
            if isinstance(field.annotation, ast.Name) and field.annotation.id in plugin.structs:
                continue
            path = re.escape(f"{kind.path}." if kind.path else "")
            if not re.search(rf"`({path})?([a-z_.<>-]*\.)?{re.escape(name)}`", cells):
                yield f"no table of the README has a row for {kind.node.name}.{name}"


def _undescribed(file: SourceFile, kind: ast.ClassDef, structs: set[str]) -> Iterator[str]:
    """The fields of a Struct without a ``Meta(description=…)``; nested Structs describe themselves."""
    for field in fields_of(kind):
        name = dotted(field.target)
        annotation = field.annotation
        if isinstance(annotation, ast.Name) and annotation.id in structs:
            continue
        described = any(
            dotted(call.func).rpartition(".")[2] == "Meta"
            and any(word.arg == "description" and _says(word.value) for word in call.keywords)
            for call in calls(ast.Expr(annotation))
        )
        if not described:
            yield f"{file.at(field)}: {kind.name}.{name} has no Meta(description=…)"


def _says(node: ast.expr) -> bool:
    return not (isinstance(node, ast.Constant) and not str(node.value).strip())

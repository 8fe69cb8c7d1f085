"""What of a plugin another version of the core would break, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from commercekit.cli.upgrades.model import Offered, PublicApi, parameters_of
from commercekit.cli.upgrades.using import Call, Filled, Kind, Place, Read, Taken, Uses, uses_of
from commercekit.platform.plugins import requirements_of

if TYPE_CHECKING:
    from commercekit.platform.plugins import InstalledPlugin

__all__ = ["Finding", "judge_plugin", "judge_uses"]

_CORE: Final = "commercekit"


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that the target does not have as the plugin uses it."""

    plugin: str
    what: str
    """``name``, ``hook``, ``arguments``, ``abstract method``, ``method``, ``field``, ``requirement``,
    ``deprecated``, ``private``, ``setting`` or ``syntax``."""
    file: str
    line: int
    told: str
    breaks: bool
    """False for what still works, and had better be changed."""

    @property
    def where(self) -> str:
        """As editors take it."""
        return f"{self.file}:{self.line}" if self.line else self.file


def judge_plugin(plugin: InstalledPlugin, now: PublicApi, target: PublicApi) -> list[Finding]:
    """Everything about one plugin: its requirements first, then its source in the order of its lines."""
    found = list(_requirements(plugin, target.version))
    return found + judge_uses(plugin.code, uses_of(plugin), now, target)


def judge_uses(code: str, uses: Uses, now: PublicApi, target: PublicApi) -> list[Finding]:
    """Compare what was found in a plugin's source with the target; ``now`` is what runs at present."""
    judge = _Judge(code, uses, now, target)
    found = {
        (each.file, each.line, each.told): each
        for each in sorted(judge.findings(), key=lambda each: (each.file, each.line))
    }
    return list(found.values())


def _requirements(plugin: InstalledPlugin, version: str) -> Iterator[Finding]:
    for requirement in requirements_of(plugin):
        if requirement.name != _CORE:
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield Finding(
                plugin=plugin.code,
                what="requirement",
                file=f"{plugin.distribution.replace('-', '_')}-{plugin.version}.dist-info/METADATA",
                line=0,
                told=f"asks for {_CORE} {requirement.specifier}; the target is {version}",
                breaks=True,
            )


class _Judge:
    def __init__(self, code: str, uses: Uses, now: PublicApi, target: PublicApi) -> None:
        self._code = code
        self._uses = uses
        self._now = now
        self._target = target

    def findings(self) -> Iterator[Finding]:
        for place in self._uses.unreadable:
            yield self._finding("syntax", place, "is no Python that this version reads")
        for taken in self._uses.taken:
            yield from self._taken(taken)
        for filled in self._uses.filled:
            yield from self._filled(filled)
        for call in self._uses.calls:
            yield from self._call(call)
        for read in self._uses.reads:
            yield from self._read(read)
        stood_on = {base for kind in self._uses.kinds.values() for base in kind.bases}
        for name, kind in self._uses.kinds.items():
            yield from self._overrides(kind)
            if name not in stood_on:
                yield from self._abstract(kind)

    def _finding(self, what: str, at: Place, told: str, *, breaks: bool = True) -> Finding:
        return Finding(
            plugin=self._code, what=what, file=at.file, line=at.line, told=told, breaks=breaks
        )

    # -- names and hooks ------------------------------------------------------------------------

    def _taken(self, taken: Taken) -> Iterator[Finding]:
        if taken.full in self._target.doors:
            return
        if not taken.name:
            if taken.module in self._now.doors:
                yield self._finding("name", taken.at, f"{taken.module} is gone{self._moved(taken)}")
            return
        if taken.module in self._target.doors:
            offered = self._target.doors[taken.module].get(taken.name)
            if offered is None:
                if self._is_private(taken):
                    told = f"{taken.full} is in no __all__: it may change at any time"
                    yield self._finding("private", taken.at, told, breaks=False)
                elif not self._of_class(taken):
                    told = f"{taken.full} is gone{self._moved(taken)}"
                    yield self._finding("name", taken.at, told)
            elif offered.deprecated:
                told = f"{taken.full} is deprecated since {offered.deprecated}"
                yield self._finding("deprecated", taken.at, told, breaks=False)
        elif taken.module in self._now.doors or taken.full in self._now.doors:
            yield self._finding("name", taken.at, f"{taken.full} is gone{self._moved(taken)}")
        elif not self._of_class(taken):
            told = f"{taken.full} is inside the core: it may change at any time"
            yield self._finding("private", taken.at, told, breaks=False)

    def _is_private(self, taken: Taken) -> bool:
        """Whether it is not offered now either, so that nothing was promised."""
        return taken.name not in self._now.doors.get(taken.module, {})

    def _of_class(self, taken: Taken) -> bool:
        """Whether it is an attribute of an offered class, such as a member of an enum."""
        parts = taken.module.split(".")
        return any(
            parts[depth] in self._now.doors.get(".".join(parts[:depth]), {})
            for depth in range(1, len(parts))
        )

    def _moved(self, taken: Taken) -> str:
        name = taken.name or taken.module.rpartition(".")[2]
        if (door := self._target.door_of(name)) is not None:
            return f"; {door} offers one of that name"
        return _hint(
            name, self._now.doors.get(taken.module, {}), self._target.doors.get(taken.module, {})
        )

    def _filled(self, filled: Filled) -> Iterator[Finding]:
        hook = self._target.hooks.get(filled.hook)
        if hook is None:
            cure = _hint(filled.hook, self._now.hooks, self._target.hooks)
            yield self._finding("hook", filled.at, f"the hook {filled.hook} is gone{cure}")
            return
        offered = [each.name for each in parameters_of(hook.signature)]
        missing = [name for name in filled.asks if name not in offered]
        if missing:
            told = (
                f"the hook {filled.hook} no longer offers {', '.join(missing)}; it offers "
                f"{', '.join(offered) or 'no arguments'}"
            )
            yield self._finding("arguments", filled.at, told)
        if hook.deprecated:
            told = f"the hook {filled.hook} is deprecated since {hook.deprecated}"
            yield self._finding("deprecated", filled.at, told, breaks=False)

    # -- calls and attributes -------------------------------------------------------------------

    def _both(self, dotted: str) -> tuple[Offered, Offered] | None:
        """What is offered under the name now and in the target."""
        door, _, name = dotted.rpartition(".")
        before = self._now.doors.get(door, {}).get(name)
        after = self._target.doors.get(door, {}).get(name)
        return (before, after) if before is not None and after is not None else None

    def _call(self, call: Call) -> Iterator[Finding]:
        both = self._both(call.of)
        if both is None:
            return
        before, after = (_given(each) for each in both)
        if before is None or after is None or before == after:
            return
        name = call.of.rpartition(".")[2]
        for each in sorted(call.named - after.keys()):
            if each in before and "**" not in after:
                yield self._finding("arguments", call.at, f"{name} no longer takes {each}")
        if call.open_ended:
            return
        by_place = [key for key, (_, positional) in after.items() if positional]
        given = {*call.named, *by_place[: call.positional]}
        for key, (required, _) in after.items():
            if required and key not in given and not before.get(key, (False, False))[0]:
                yield self._finding("arguments", call.at, f"{name} now needs {key}")
        earlier = [key for key, (_, positional) in before.items() if positional]
        if earlier[: call.positional] != by_place[: call.positional]:
            told = f"{name} takes its arguments in another order, or by name only"
            yield self._finding("arguments", call.at, told)

    def _read(self, read: Read) -> Iterator[Finding]:
        both = self._both(read.of)
        if both is None:
            return
        before, after = both
        if read.attribute in after.fields or read.attribute in after.methods:
            if (gone := after.marked.get(read.attribute)) is not None:
                told = f"{read.of.rpartition('.')[2]}.{read.attribute} is deprecated since {gone}"
                yield self._finding("deprecated", read.at, told, breaks=False)
        elif read.attribute in before.fields or read.attribute in before.methods:
            name = read.of.rpartition(".")[2]
            cure = _hint(
                read.attribute,
                {**before.fields, **before.methods},
                {**after.fields, **after.methods},
            )
            yield self._finding("field", read.at, f"{name}.{read.attribute} is gone{cure}")

    # -- classes --------------------------------------------------------------------------------

    def _lineage(self, kind: Kind) -> tuple[list[Kind], list[str]]:
        """The plugin's own classes that ``kind`` is made of, and the core's."""
        own, core, seen = [kind], [], set[str]()
        waiting = list(kind.bases)
        while waiting:
            base = waiting.pop(0)
            if base in seen:
                continue
            seen.add(base)
            if base in self._uses.kinds:
                own.append(self._uses.kinds[base])
                waiting += self._uses.kinds[base].bases
            elif base.startswith(f"{_CORE}."):
                core.append(base)
        return own, core

    def _abstract(self, kind: Kind) -> Iterator[Finding]:
        own, core = self._lineage(kind)
        brought = {name for each in own for name in (*each.methods, *each.attributes)}
        for base in core:
            both = self._both(base)
            if both is None:
                continue
            before, after = both
            name = base.rpartition(".")[2]
            # Where to mend it: the class that stands on the core itself, not each that stands on that.
            kind = next(each for each in own if base in each.bases)
            for method in after.abstract:
                if method not in brought and method not in before.abstract:
                    told = f"{kind.name} has to bring {name}.{method}: {after.methods[method]}"
                    yield self._finding("abstract method", kind.at, told)
            for attribute, text in after.fields.items():
                needed = after.kind == "provider" and "=" not in text
                if needed and attribute not in brought and attribute not in before.fields:
                    told = f"{kind.name} has to say its {attribute}: {text}, for {name}"
                    yield self._finding("abstract method", kind.at, told)

    def _overrides(self, kind: Kind) -> Iterator[Finding]:
        _, core = self._lineage(kind)
        for base in core:
            both = self._both(base)
            if both is None:
                continue
            before, after = both
            name = base.rpartition(".")[2]
            for method, (parameters, at) in kind.methods.items():
                if method.startswith("__") or method not in before.methods:
                    continue
                if method not in after.methods:
                    told = f"{name}.{method} is gone: nothing calls it any more"
                    yield self._finding("method", at, told)
                    continue
                if method in after.marked:
                    told = f"{name}.{method} is deprecated since {after.marked[method]}"
                    yield self._finding("deprecated", at, told, breaks=False)
                taken = {each.name for each in parameters}
                if any(each.kind == "**" for each in parameters):
                    continue
                lacking = [
                    each.name
                    for each in parameters_of(after.methods[method])
                    if each.name not in taken
                    and each.kind not in {"*", "**"}
                    and each.name not in {p.name for p in parameters_of(before.methods[method])}
                ]
                if lacking:
                    told = f"{name}.{method} is called with {', '.join(lacking)}, too"
                    yield self._finding("method", at, told)
                was, becomes = (
                    each.methods[method].startswith("async") for each in (before, after)
                )
                if was != becomes:
                    told = f"{name}.{method} {'became' if becomes else 'is no longer'} async"
                    yield self._finding("method", at, told)


def _hint(name: str, before: Iterable[str], after: Iterable[str]) -> str:
    """What it may have become: a new name that resembles it."""
    known = set(before)
    new = [each for each in after if each not in known]
    close = difflib.get_close_matches(name, new, n=1, cutoff=0.5)
    return f"; did it become {close[0]}?" if close else ""


def _given(offered: Offered) -> dict[str, tuple[bool, bool]] | None:
    """What a call may give: by name, whether it must be given and whether it may be given by place."""
    signature = offered.signature or offered.methods.get("__init__", "")
    if signature:
        return {
            ("**" if each.kind == "**" else each.name): (
                each.required,
                each.kind in {"positional", "either"},
            )
            for each in parameters_of(signature)
            if each.kind != "*"
        }
    if offered.fields:
        return {
            name: ("=" not in text, offered.positional)
            for name, text in offered.fields.items()
            if not text.startswith("ClassVar")
        }
    return None

"""What differs between two public interfaces, and which of it may break somebody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from commercekit.cli.upgrades.model import Hook, Offered, PublicApi, parameters_of

__all__ = ["Change", "changes_between", "fits_calls", "fits_overrides", "unwarned"]


class Change(Struct, frozen=True, kw_only=True):
    """One difference."""

    what: str
    """``name``, ``class``, ``event``, ``provider``, ``hook``, ``setting`` or ``operation``."""
    name: str
    """As a changelog names it: ``PaymentGateway.refund``, ``payments.methods``, ``GET /store/products``."""
    told: str
    breaks: bool
    deprecated: str = ""
    """What the earlier interface said of it: ``0.3: build on Gateway``."""

    @property
    def sentence(self) -> str:
        """For people."""
        return f"{self.name} {self.told}"


def changes_between(before: PublicApi, after: PublicApi) -> list[Change]:
    """Every difference, breaking or not, in the order of the interface."""
    return [
        *_names(before, after),
        *_hooks(before.hooks, after.hooks),
        *_texts("setting", before.settings, after.settings),
        *_operations(before.operations, after.operations),
    ]


def unwarned(changes: list[Change], after: str, *, releases: int = 2) -> list[Change]:
    """The removals that the policy forbids in version ``after``: not deprecated, or not for long enough."""
    found = []
    for change in changes:
        if not change.breaks or not change.told.startswith("is gone"):
            continue
        since = _minor(change.deprecated.partition(":")[0])
        now = _minor(after)
        long_ago = since is not None and now is not None and now >= (since[0], since[1] + releases)
        new_major = since is not None and now is not None and now[0] > since[0]
        if not (long_ago or new_major):
            found.append(change)
    return found


def fits_overrides(before: str, after: str) -> bool:
    """Whether what overrides a method with the earlier signature can be called by the later one."""
    old, new = parameters_of(before), parameters_of(after)
    known = {each.name: each for each in old}
    open_ended = any(each.kind == "**" for each in old)
    return before.startswith("async") == after.startswith("async") and all(
        each.name in known or open_ended for each in new
    )


def fits_calls(before: str, after: str) -> bool:
    """Whether whoever calls as the earlier signature allows may go on."""
    old, new = parameters_of(before), parameters_of(after)
    names = {each.name: each for each in new}
    if before.startswith("async") != after.startswith("async"):
        return False
    for each in old:
        there = names.get(each.name)
        if there is None or (there.kind == "keyword" and each.kind != "keyword"):
            return False
        if there.required and not each.required:
            return False
    earlier = {each.name for each in old}
    order = [each.name for each in new if each.kind in {"positional", "either"}]
    kept = [each.name for each in old if each.kind in {"positional", "either"}]
    return order[: len(kept)] == kept and not any(
        each.required and each.name not in earlier for each in new
    )


def _minor(version: str) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def _names(before: PublicApi, after: PublicApi) -> Iterator[Change]:
    for door in sorted(before.doors.keys() | after.doors.keys()):
        old, new = before.doors.get(door, {}), after.doors.get(door, {})
        for name in sorted(old.keys() | new.keys()):
            full = f"{door}.{name}"
            if name not in new:
                what = old[name].kind if old[name].kind in {"event", "provider"} else "name"
                moved = after.door_of(name)
                told = "is gone" + (f"; {moved} offers one of that name" if moved else "")
                yield Change(
                    what=what, name=full, told=told, breaks=True, deprecated=old[name].deprecated
                )
            elif name not in old:
                what = new[name].kind if new[name].kind in {"event", "provider"} else "name"
                yield Change(what=what, name=full, told="is new", breaks=False)
            else:
                yield from _offered(full, old[name], new[name])


def _offered(name: str, old: Offered, new: Offered) -> Iterator[Change]:
    if old == new:
        return
    kind = new.kind if new.kind in {"event", "provider"} else "name"
    if old.kind != new.kind:
        told = f"was a {old.kind} and is a {new.kind}"
        yield Change(what=kind, name=name, told=told, breaks=True)
    if old.signature != new.signature:
        told = f"is called as {new.signature} and was as {old.signature}"
        breaks = not fits_calls(old.signature, new.signature)
        yield Change(what=kind, name=name, told=told, breaks=breaks)
    yield from _fields(kind, name, old, new)
    yield from _methods(kind, name, old, new)
    if old.bases != new.bases:
        told = f"builds on {', '.join(new.bases) or 'nothing'}, before on {', '.join(old.bases) or 'nothing'}"
        yield Change(what=kind, name=name, told=told, breaks=not set(old.bases) <= set(new.bases))
    if old.positional and not new.positional:
        told = "takes its fields by name only"
        yield Change(what=kind, name=name, told=told, breaks=True)
    if (old.since, old.deprecated) != (new.since, new.deprecated):
        told = f"is deprecated since {new.deprecated}" if new.deprecated else "has other marks"
        yield Change(what=kind, name=name, told=told, breaks=False)


def _fields(kind: str, name: str, old: Offered, new: Offered) -> Iterator[Change]:
    for field in sorted(old.fields.keys() | new.fields.keys()):
        full = f"{name}.{field}"
        if field not in new.fields:
            # What became a method or a property is read all the same.
            told = "is a method now" if field in new.methods else "is gone"
            yield Change(what=kind, name=full, told=told, breaks=True)
        elif field not in old.fields:
            required = " = " not in new.fields[field] and not new.fields[field].startswith("= ")
            told = "is new and required" if required else "is new"
            yield Change(what=kind, name=full, told=told, breaks=required)
        elif old.fields[field] != new.fields[field]:
            told = f"is {new.fields[field]} and was {old.fields[field]}"
            breaks = _type(old.fields[field]) != _type(new.fields[field]) or (
                " = " in old.fields[field] and " = " not in new.fields[field]
            )
            yield Change(what=kind, name=full, told=told, breaks=breaks)


def _methods(kind: str, name: str, old: Offered, new: Offered) -> Iterator[Change]:
    for method in sorted(old.methods.keys() | new.methods.keys()):
        full = f"{name}.{method}"
        if method not in new.methods:
            if method not in new.fields:
                yield Change(
                    what=kind,
                    name=full,
                    told="is gone",
                    breaks=True,
                    deprecated=old.marked.get(method, ""),
                )
        elif method not in old.methods:
            abstract = method in new.abstract
            told = "is new, and who builds on it has to bring it" if abstract else "is new"
            yield Change(what=kind, name=full, told=told, breaks=abstract)
        else:
            before, after = old.methods[method], new.methods[method]
            if before != after:
                fits = fits_calls(before, after) and (
                    new.kind != "provider" or fits_overrides(before, after)
                )
                told = f"is called as {after} and was as {before}"
                yield Change(what=kind, name=full, told=told, breaks=not fits)
            if method in new.abstract and method not in old.abstract:
                told = "has to be brought by who builds on it"
                yield Change(what=kind, name=full, told=told, breaks=True)
        if method in new.methods and old.marked.get(method) != new.marked.get(method):
            told = f"is deprecated since {new.marked.get(method, 'no version')}"
            yield Change(what=kind, name=full, told=told, breaks=False)


def _hooks(old: Mapping[str, Hook], new: Mapping[str, Hook]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield Change(
                what="hook",
                name=name,
                told="is gone",
                breaks=True,
                deprecated=old[name].deprecated,
            )
        elif name not in old:
            yield Change(what="hook", name=name, told="is new", breaks=False)
        elif old[name].signature != new[name].signature:
            before = {each.name for each in parameters_of(old[name].signature)}
            after = {each.name for each in parameters_of(new[name].signature)}
            told = f"is {new[name].signature} and was {old[name].signature}"
            returns = _returns(old[name].signature) != _returns(new[name].signature)
            breaks = not before <= after or returns
            yield Change(what="hook", name=name, told=told, breaks=breaks)
        elif old[name] != new[name]:
            gone = new[name].deprecated
            told = f"is deprecated since {gone}" if gone else "has other marks"
            yield Change(what="hook", name=name, told=told, breaks=False)


def _texts(what: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield Change(what=what, name=name, told="is gone", breaks=True)
        elif name not in old:
            required = " = " not in new[name]
            told = "is new and required" if required else "is new"
            yield Change(what=what, name=name, told=told, breaks=required)
        elif old[name] != new[name]:
            told = f"is {new[name]} and was {old[name]}"
            breaks = _type(old[name]) != _type(new[name])
            yield Change(what=what, name=name, told=told, breaks=breaks)


def _operations(old: Mapping[str, list[str]], new: Mapping[str, list[str]]) -> Iterator[Change]:
    if not old or not new:  # a wheel says nothing of HTTP
        return
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield Change(what="operation", name=name, told="is gone", breaks=True)
        elif name not in old:
            yield Change(what="operation", name=name, told="is new", breaks=False)
        else:
            lost = [each for each in old[name] if each not in new[name]]
            more = [each for each in new[name] if each not in old[name]]
            if lost or more:
                parts = [f"lacks {', '.join(lost)}"] * bool(lost)
                parts += [f"has {', '.join(more)}"] * bool(more)
                required = any(each.endswith("(required)") for each in more)
                yield Change(
                    what="operation",
                    name=name,
                    told=" and ".join(parts),
                    breaks=bool(lost) or required,
                )


def _type(text: str) -> str:
    return text.partition(" = ")[0]


def _returns(signature: str) -> str:
    return signature.rpartition(" -> ")[2] if " -> " in signature else ""

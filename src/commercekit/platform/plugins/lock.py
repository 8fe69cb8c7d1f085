"""The allow-list of a production shop: which plugins, in which version, made of which files."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct, field

from commercekit.platform.plugins.errors import PluginError, PluginNotTrusted
from commercekit.platform.plugins.record import Record, editable_folder, origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from commercekit.platform.plugins.discovery import InstalledPlugin

__all__ = ["LOCK_NAME", "PinnedPlugin", "PluginLock", "Trust", "Verdict", "examine", "pin"]

LOCK_NAME: Final = "plugins.lock"
"""Beside the settings file, where ``plugins.lock`` names no other."""
_FORMAT: Final = 1
_NAMED: Final = 5
"""So many files stand in a sentence; ``commercekit plugins verify`` names all."""
_OR_PIN: Final = "or, if this is how it should be, look at it and run: commercekit plugins pin"


class PinnedPlugin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One plugin that may run: exactly these files of this version."""

    distribution: str
    version: str
    files: dict[str, str]
    """Hashes by path within ``site-packages``, ``sha256=…`` as in ``RECORD``."""


class PluginLock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file ``plugins.lock``; ``commercekit plugins pin`` writes it."""

    format: int = _FORMAT
    plugins: dict[str, PinnedPlugin] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> PluginLock:
        """What the file allows; nothing when there is none."""
        try:
            lock = msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return cls()
        except (OSError, msgspec.MsgspecError) as error:
            message = f"{path} is no list of allowed plugins: {error}; run: commercekit plugins pin"
            raise PluginError(message) from error
        if lock.format != _FORMAT:
            message = (
                f"{path} has the format {lock.format}, and this version reads {_FORMAT}; "
                "run: commercekit plugins pin"
            )
            raise PluginError(message)
        return lock

    def write(self, path: Path) -> None:
        """Put it there at once, sorted, so that a change reads well in a review."""
        ordered = msgspec.json.encode(self, order="sorted")
        beside = path.with_name(path.name + ".new")
        beside.write_bytes(msgspec.json.format(ordered, indent=2) + b"\n")
        beside.replace(path)


class Trust(StrEnum):
    """What was found of a plugin."""

    AS_PINNED = "as pinned"
    DIFFERENT = "different"
    WRONG_VERSION = "wrong version"
    NOT_PINNED = "not pinned"
    NOT_INSTALLED = "not installed"
    NO_RECORD = "no record"
    EDITABLE = "editable"
    SHADOWED = "shadowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One plugin against the lock, or against its own ``RECORD`` when the lock does not name it."""

    plugin: str
    distribution: str
    version: str
    trust: Trust
    told: str
    """The finding as the end of a sentence: ``is not the one …``."""
    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Plugin, finding and cure."""
        return f"The plugin {self.plugin!r} ({self.distribution} {self.version}) {self.told}"

    def insist(self) -> None:
        """Raise :class:`PluginNotTrusted` unless everything is as it was pinned."""
        if self.trust is not Trust.AS_PINNED:
            raise PluginNotTrusted(self.sentence)


@dataclass(frozen=True, slots=True)
class _Differences:
    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.missing or self.added)

    def __str__(self) -> str:
        return "; ".join(
            f"{_names(names)} {verb}"
            for names, verb in (
                (self.changed, "changed"),
                (self.missing, "missing"),
                (self.added, "added"),
            )
            if names
        )


def examine(plugin: InstalledPlugin, pinned: PinnedPlugin | None) -> Verdict:
    """Compare what is installed with what is allowed. Imports nothing."""

    def found(trust: Trust, told: str, differences: _Differences | None = None) -> Verdict:
        seen = differences or _Differences()
        return Verdict(
            plugin=plugin.code,
            distribution=plugin.distribution,
            version=plugin.version,
            trust=trust,
            told=told,
            changed=seen.changed,
            missing=seen.missing,
            added=seen.added,
        )

    record = Record(plugin.dist) if plugin.dist is not None else None
    if plugin.dist is None or record is None or not record.written:
        return found(
            Trust.NO_RECORD,
            "has no RECORD of its files, so nothing can be checked; install it with pip",
        )
    if (folder := editable_folder(plugin.dist)) is not None:
        return found(
            Trust.EDITABLE,
            f"is installed as editable: its code is whatever {folder} holds at the moment, so nothing "
            "can be pinned; build a wheel of it and install that",
        )
    wanted = record.written if pinned is None else pinned.files
    present = record.present(wanted)
    differences = _Differences(
        # RECORD may name another kind of hash, or none: then only presence is compared.
        changed=tuple(
            sorted(
                name
                for name, digest in wanted.items()
                if name in present and digest.startswith("sha256=") and present[name] != digest
            )
        ),
        missing=tuple(sorted(wanted.keys() - present.keys())),
        # What RECORD lists by now and the lock does not is an addition, too.
        added=tuple(sorted({*record.added(wanted), *(present.keys() - wanted.keys())})),
    )
    if pinned is None and differences:
        told = f"is not what its RECORD says: {differences}; install it again"
        return found(Trust.DIFFERENT, told, differences)
    if pinned is not None and (pinned.distribution, pinned.version) != (
        plugin.distribution,
        plugin.version,
    ):
        told = f"is not {pinned.distribution} {pinned.version}, which the lock allows; install that, {_OR_PIN}"
        return found(Trust.WRONG_VERSION, told, differences)
    if differences:
        told = f"is not what the lock allows: {differences}; install it again, {_OR_PIN}"
        return found(Trust.DIFFERENT, told, differences)
    module = str(plugin.entry.module) if isinstance(plugin.entry, EntryPoint) else ""
    if (stray := _elsewhere(record, module)) is not None:
        return found(Trust.SHADOWED, stray)
    if pinned is None:
        told = "is not in the lock of allowed plugins; run: commercekit plugins pin"
        return found(Trust.NOT_PINNED, told)
    return found(Trust.AS_PINNED, "is as pinned")


def pin(plugin: InstalledPlugin) -> PinnedPlugin:
    """What the lock would say of the plugin as it is now.

    Raises :class:`PluginNotTrusted` for one whose files are not those that it was installed with, and
    for one that cannot be pinned.
    """
    verdict = examine(plugin, None)
    if verdict.trust is not Trust.NOT_PINNED or plugin.dist is None:
        raise PluginNotTrusted(verdict.sentence)
    record = Record(plugin.dist)
    return PinnedPlugin(
        distribution=plugin.distribution,
        version=plugin.version,
        files=record.present(record.written),
    )


def _elsewhere(record: Record, module: str) -> str | None:
    """What is wrong with where ``import`` would find the plugin, if something is."""
    if not module:
        return None
    origin = origin_of(module)
    if origin is None:
        return f"has an entry point to {module}, and there is no such module; install it again"
    if record.lists(origin):
        return None
    return (
        f"is not what would be imported: Python finds {module} in {origin}, which is none of the "
        "distribution's files; take that off Python's path"
    )


def _names(names: Iterable[str]) -> str:
    every = list(names)
    shown = ", ".join(every[:_NAMED])
    return shown if len(every) <= _NAMED else f"{shown} and {len(every) - _NAMED} more"

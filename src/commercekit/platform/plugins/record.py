"""The files that a distribution brought, and what they are now. Nothing of it is imported here."""

from __future__ import annotations

import csv
import hashlib
import os
import sys
from base64 import urlsafe_b64encode
from importlib.machinery import PathFinder
from importlib.metadata import Distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Record", "editable_folder", "origin_of"]

_COLUMNS: Final = 3
"""Of a row of ``RECORD``: path, hash, size."""
_OF_THE_INSTALLER: Final = frozenset(
    {
        "RECORD",
        "RECORD.jws",
        "RECORD.p7s",
        "INSTALLER",
        "REQUESTED",
        "direct_url.json",
        "uv_cache.json",
    }
)
"""Files of ``.dist-info`` that say who installed from where: they differ between good installs."""


class _Source(msgspec.Struct):
    """``direct_url.json`` of PEP 610, as far as we ask."""

    url: str = ""
    dir_info: dict[str, object] = {}


def editable_folder(dist: Distribution) -> str | None:
    """The folder that an editable install points to; None for any other install."""
    text = dist.read_text("direct_url.json")
    if text is None:
        return None
    try:
        source = msgspec.json.decode(text, type=_Source)
    except msgspec.MsgspecError:
        return None
    return source.url.removeprefix("file://") if source.dir_info.get("editable") else None


class Record:
    """What one distribution's ``RECORD`` lists and what lies there.

    Left out is what is never imported or differs from machine to machine: byte code, the installer's
    own notes, and what lies outside of ``site-packages``, such as the wrappers of console scripts.
    """

    def __init__(self, dist: Distribution) -> None:
        self.base = Path(str(dist.locate_file("")))
        self.written: dict[str, str] = {}
        """What ``RECORD`` says: hashes by path, as PEP 376 writes them, ``sha256=…``."""
        for row in csv.reader((dist.read_text("RECORD") or "").splitlines()):
            if len(row) == _COLUMNS and self._counts(row[0]):
                self.written[row[0]] = row[1]

    def lists(self, file: Path) -> bool:
        """Whether ``file`` is one of those that were recorded."""
        try:
            name = file.resolve().relative_to(self.base.resolve())
        except ValueError:
            return False
        return name.as_posix() in self.written

    @staticmethod
    def _counts(name: str) -> bool:
        if name.startswith(("/", "../")) or "/../" in name or name.endswith(".pyc"):
            return False
        folder, _, file = name.rpartition("/")
        return not (_is_metadata(folder) and file in _OF_THE_INSTALLER)

    def present(self, also: Iterable[str] = ()) -> dict[str, str]:
        """Hashes of the recorded files, and ``also`` others, as they are; without those that are gone."""
        found = {}
        base = str(self.base)
        for name in {*self.written, *also}:
            try:
                with open(f"{base}/{name}", "rb") as stream:  # noqa: PTH123 - hundreds at each start
                    digest = hashlib.file_digest(stream, "sha256").digest()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                continue
            found[name] = f"sha256={urlsafe_b64encode(digest).decode().rstrip('=')}"
        return found

    def added(self, known: Mapping[str, str]) -> list[str]:
        """Files in the folders of the distribution that ``known`` does not have.

        A folder is the distribution's when it directly holds a recorded file, and so is whatever lies
        below; what two distributions share is only a namespace.
        """
        return sorted(name for name in self._there() if name not in known)

    def _there(self) -> Iterator[str]:
        own = {name.rpartition("/")[0] for name in self.written} - {""}
        for top in own:
            if any(top.startswith(f"{other}/") for other in own):
                continue
            notes = _OF_THE_INSTALLER if _is_metadata(top) else frozenset()
            base = str(self.base)
            for folder, folders, files in os.walk(f"{base}/{top}"):
                folders[:] = [each for each in folders if each != "__pycache__"]
                place = os.path.relpath(folder, base).replace(os.sep, "/")
                yield from (f"{place}/{file}" for file in files if file not in notes)


def _is_metadata(folder: str) -> bool:
    return folder.endswith((".dist-info", ".egg-info"))


def origin_of(module: str) -> Path | None:
    """The file that ``import module`` would run first of its own, found without importing a parent."""
    search: list[str] | None = None
    spec = None
    for depth, _ in enumerate(parts := module.split("."), start=1):
        spec = PathFinder.find_spec(".".join(parts[:depth]), search or sys.path)
        if spec is None:
            return None
        if spec.submodule_search_locations is None and depth < len(parts):
            return None
        search = list(spec.submodule_search_locations or ())
    return Path(spec.origin) if spec is not None and spec.origin else None

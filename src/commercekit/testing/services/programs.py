"""Where the servers' programs are, of which version, and what to install when they are missing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from commercekit.errors import ConfigurationError

__all__ = ["CachePrograms", "MissingPrograms", "RabbitPrograms", "installed_versions"]

# Debian's /usr/sbin/rabbitmq-server insists on its own account; what it wraps runs as anyone.
_RABBIT_HOMES = (
    "/usr/lib/rabbitmq/lib",
    "/usr/lib/rabbitmq",
    "/opt/rabbitmq",
    "/usr/local/lib/rabbitmq",
)
_ADMINISTRATORS_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin")


class MissingPrograms(ConfigurationError):
    """A server was asked for that this machine does not have."""

    slug = "missing-programs"
    title = "Programs are missing"
    title_zh = "缺少程序"


@dataclass(frozen=True)
class RabbitPrograms:
    """RabbitMQ's own folder (the one with ``sbin`` and ``plugins``), and two programs of Erlang."""

    home: Path
    epmd: Path
    erl_call: Path
    version: str

    @classmethod
    def find(cls) -> RabbitPrograms:
        """Raises :class:`MissingPrograms`, naming Debian's packages."""
        epmd = _which("epmd")
        for home in _rabbit_homes():
            server = next(iter(sorted(home.glob("plugins/rabbit-[0-9]*"))), None)
            if server is None or epmd is None:
                continue
            caller = _which("erl_call") or _beside_erlang("erl_call", epmd)
            if caller is not None:
                return cls(home, epmd, caller, server.name.removeprefix("rabbit-"))
        message = (
            "RabbitMQ is not installed: on Debian, `apt-get install rabbitmq-server` "
            "(which brings Erlang)"
        )
        raise MissingPrograms(message, packages=["rabbitmq-server"])


@dataclass(frozen=True)
class CachePrograms:
    """The server of Valkey, or of Redis, which speaks the same language."""

    server: Path
    version: str

    @property
    def name(self) -> str:
        return "Valkey" if self.server.name.startswith("valkey") else "Redis"

    @classmethod
    def find(cls) -> CachePrograms:
        """Valkey's before Redis'. Raises :class:`MissingPrograms`, naming Debian's packages."""
        for name in ("valkey-server", "redis-server"):
            server = _which(name)
            if server is not None:
                said = subprocess.run(
                    [server, "--version"], capture_output=True, text=True, timeout=20, check=True
                )
                found = re.search(r"v=(\S+)", said.stdout)
                return cls(server, found[1] if found else "of unknown version")
        message = (
            "neither Valkey nor Redis is installed: on Debian, `apt-get install redis-server` "
            "(or valkey-server, where there is one)"
        )
        raise MissingPrograms(message, packages=["redis-server"])


def installed_versions() -> list[str]:
    """``["RabbitMQ 3.10.8", "Redis 7.0.15"]``: what this machine could start, without starting it."""
    versions = []
    with suppress(MissingPrograms):
        versions.append(f"RabbitMQ {RabbitPrograms.find().version}")
    with suppress(MissingPrograms):
        cache = CachePrograms.find()
        versions.append(f"{cache.name} {cache.version}")
    return versions


def _which(name: str) -> Path | None:
    """An ordinary user's path leaves out the administrators' folders, where Debian keeps servers."""
    found = shutil.which(name) or shutil.which(name, path=":".join(_ADMINISTRATORS_FOLDERS))
    return Path(found) if found else None


def _beside_erlang(name: str, epmd: Path) -> Path | None:
    root = epmd.resolve().parents[2]
    return next(iter(sorted(root.glob(f"lib/erl_interface-*/bin/{name}"))), None)


def _rabbit_homes() -> Iterator[Path]:
    for base in _RABBIT_HOMES:
        yield Path(base)
        yield from sorted(Path(base).glob("rabbitmq_server-*"), reverse=True)
    server = _which("rabbitmq-server")
    if server is not None:
        yield server.resolve().parents[1]

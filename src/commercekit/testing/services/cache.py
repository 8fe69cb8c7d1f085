"""Valkey, or Redis where there is no Valkey, for a test."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress

from commercekit.testing.services.process import free_ports
from commercekit.testing.services.programs import CachePrograms
from commercekit.testing.services.server import PrivateServer

__all__ = ["CacheServer"]


class CacheServer(PrivateServer):
    """A Valkey (or Redis) of one's own on a free port of 127.0.0.1, with a password, writing no file.

    ::

        with CacheServer() as server:
            client = valkey.asyncio.Valkey.from_url(server.url)

    It forgets everything when it is stopped or killed, as a cache may. It has :attr:`databases` numbered
    databases (:meth:`url_of`), which share what is published and subscribed.
    """

    databases = 512
    _patience = 20.0

    def __init__(self) -> None:
        """Nothing runs until :meth:`start`. Raises ``MissingPrograms``."""
        self._programs = CachePrograms.find()
        super().__init__("cache")
        self._password = secrets.token_hex(12)
        self.port = 0

    @property
    def version(self) -> str:
        """Such as ``Redis 7.0.15``."""
        return f"{self._programs.name} {self._programs.version}"

    @property
    def url(self) -> str:
        """Where it is, password included; the same after a restart."""
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        """Where the numbered database is."""
        if not self.port:
            message = "start the server before asking where it is"
            raise RuntimeError(message)
        return f"redis://:{self._password}@127.0.0.1:{self.port}/{database}"

    def _launch(self) -> None:
        self.port = self.port or free_ports(1)[0]
        # In a file, because everybody may read the arguments of a process.
        configuration = self._process.write(
            "server.conf",
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self._password}\n"
            f'databases {self.databases}\ndir {self._process.folder}\nsave ""\nappendonly no\n'
            "daemonize no\nmaxclients 2000\n",
        )
        self._process.start([self._programs.server, configuration], {})

    def flush(self, database: int | None = None) -> None:
        """Empty one numbered database, or all of them."""
        self._command("FLUSHALL" if database is None else "FLUSHDB", database=database or 0)

    def _answers(self) -> bool:
        with suppress(OSError, RuntimeError):
            self._command("PING")
            return True
        return False

    def _command(self, name: str, *, database: int = 0) -> None:
        """Three words of its protocol, so that nothing here needs a client library."""
        words = [f"AUTH {self._password}", f"SELECT {database}", name]
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall("".join(f"{word}\r\n" for word in words).encode())
            answers = connection.makefile("rb")
            for word in words:
                answer = answers.readline()
                if not answer.startswith(b"+"):
                    message = f"{self.version} answered {word.split()[0]} with {answer!r}"
                    raise RuntimeError(message)

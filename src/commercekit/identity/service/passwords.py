"""Passwords: made into argon2id hashes in a pool of few threads, sealed with the shop's key.

A hash alone is slow to try guesses on; sealed, it is nothing to try them on for whoever has the database
and not the key.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from commercekit.identity.errors import PasswordsBusy
from commercekit.identity.rules import MAX_LENGTH, BreachedFile, check_password, prepare
from commercekit.kernel import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.identity.settings import PasswordSettings
    from commercekit.platform.security import Sealer

__all__ = ["Judged", "Passwords"]

T = TypeVar("T")

_TABLE: Final = "identity_account"
_COLUMN: Final = "password"
_STEP_BACK: Final = 10


class Judged(NamedTuple):
    """What became of comparing a password."""

    is_right: bool
    renewed: bytes | None
    """The same password in today's cost, sealed, where the stored one costs another."""


class Passwords:
    """Hashes and compares; one per process. Raises :class:`PasswordsBusy` when too many wait."""

    def __init__(
        self, settings: PasswordSettings, sealer: Sealer, *, known: Iterable[str] = ()
    ) -> None:
        """``known``: what everybody knows about this shop, which is no password."""
        self._settings = settings
        self._sealer = sealer
        self._known = tuple(known)
        self._breached = None if settings.breached is None else BreachedFile(settings.breached)
        self._hasher = PasswordHasher(
            time_cost=settings.passes,
            memory_cost=settings.memory_kib,
            parallelism=1,
            type=Type.ID,
        )
        self._pool: ThreadPoolExecutor | None = None
        self._inside = 0
        self._nobody: str | None = None

    async def check(self, password: str, *, about: Iterable[str] = ()) -> None:
        """Raise :class:`~commercekit.identity.errors.WeakPassword` for one that will be guessed.

        ``about`` is what is known of whoever chooses it, such as the e-mail address.
        """
        known = (*self._known, *about)

        def look() -> None:
            check_password(
                password, least=self._settings.min_length, known=known, breached=self._breached
            )

        await self.in_pool(look)

    async def hash(self, account_id: UUID, password: str) -> bytes:
        """What is stored of ``password`` for this account."""
        return await self.in_pool(
            lambda: self._sealer.seal(_TABLE, _COLUMN, account_id, self._hash(password))
        )

    async def judge(self, account_id: UUID | None, stored: bytes | None, password: str) -> Judged:
        """Whether ``password`` is the one of ``stored``.

        Without an account, or for one without a password, it takes as long, and is wrong.
        """
        return await self.in_pool(lambda: self._judge(account_id, stored, password))

    def close(self) -> None:
        """Let the threads go; what waits is forgotten."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _judge(self, account_id: UUID | None, stored: bytes | None, password: str) -> Judged:
        if account_id is None or stored is None:
            account_id = account_id or new_id()
            if self._nobody is None:
                self._nobody = self._hash("nobody")
            # Sealed and opened like any other, so that it takes as long.
            stored = self._sealer.seal(_TABLE, _COLUMN, account_id, self._nobody)
            opened, is_somebody = self._sealer.open(_TABLE, _COLUMN, account_id, stored, str), False
        else:
            opened, is_somebody = self._sealer.open(_TABLE, _COLUMN, account_id, stored, str), True
        if len(password) > MAX_LENGTH:
            password, is_somebody = "", False
        try:
            self._hasher.verify(opened, prepare(password))
        except (VerificationError, InvalidHashError):
            return Judged(is_right=False, renewed=None)
        renewed = None
        if is_somebody and self._hasher.check_needs_rehash(opened):
            renewed = self._sealer.seal(_TABLE, _COLUMN, account_id, self._hash(password))
        return Judged(is_right=is_somebody, renewed=renewed)

    def _hash(self, password: str) -> str:
        return self._hasher.hash(prepare(password))

    async def in_pool(self, work: Callable[[], T]) -> T:
        """Do what takes long in one of the few threads; raises :class:`PasswordsBusy` when full."""
        if self._inside >= self._settings.workers + self._settings.waiting:
            message = "Too many passwords are being looked at; try again in a moment."
            raise PasswordsBusy(message, retry_after=2)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(
                self._settings.workers, thread_name_prefix="passwords", initializer=_step_back
            )
        self._inside += 1
        future = self._pool.submit(work)
        loop = asyncio.get_running_loop()
        # Whoever hangs up leaves the work in the pool, and so its place taken until it is done.
        future.add_done_callback(lambda _: self._leave(loop))
        return await asyncio.wrap_future(future)

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody comes any more
            loop.call_soon_threadsafe(self._left)

    def _left(self) -> None:
        self._inside -= 1


def _step_back() -> None:
    """Let pages come first: on Linux a thread has a niceness of its own."""
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _STEP_BACK)

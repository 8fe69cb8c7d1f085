"""A connection of the pool: never reset, and never waited for longer than a shopper would wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["ANSWER_SECONDS", "STATEMENT_SECONDS", "ShopConnection"]

STATEMENT_SECONDS: Final = 10
"""PostgreSQL gives a statement up by itself after so long, and says so."""
ANSWER_SECONDS: Final = 10.5
"""After so long it has said nothing: the wire is silent, or the server hangs."""


class ShopConnection(asyncpg.Connection):
    """A connection that is not reset on release, and is given up when nothing answers.

    A reset costs 40 % of a small read. It is not needed because nothing here leaves settings, listeners
    or session locks behind: those live on :meth:`Database.dedicated_connection`.

    A server that hangs and a firewall that swallows packets look the same as a long statement. Whoever
    waits for them must not wait for ever, and neither must those who need the connection next: it is
    closed, and the statement ends like any other whose connection broke.
    """

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""

    async def execute(
        self,
        query: str,
        *args: Any,
        timeout: float | None = None,  # noqa: ASYNC109 - as asyncpg has it
    ) -> str:
        try:
            tag: str = await super().execute(query, *args, timeout=timeout)
        except TimeoutError as error:
            raise self._fallen_silent() from error
        return tag

    async def executemany(
        self,
        command: str,
        args: Iterable[Sequence[Any]],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as asyncpg has it
    ) -> None:
        try:
            await super().executemany(command, args, timeout=timeout)
        except TimeoutError as error:
            raise self._fallen_silent() from error

    async def _execute(self, *args: Any, **named: Any) -> Any:
        """What every ``fetch…`` comes to."""
        try:
            return await super()._execute(*args, **named)  # type: ignore[misc]  # the stubs leave it out
        except TimeoutError as error:
            raise self._fallen_silent() from error

    def _fallen_silent(self) -> asyncpg.ConnectionDoesNotExistError:
        # Asking the server to cancel, as asyncpg does first, would be another wait for the same silence.
        self.terminate()
        message = f"PostgreSQL has not answered for {ANSWER_SECONDS} s: the connection is given up"
        return asyncpg.ConnectionDoesNotExistError(message)

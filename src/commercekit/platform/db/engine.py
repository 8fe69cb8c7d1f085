"""The one Piccolo engine, which runs every Piccolo query on the right connection.

Piccolo binds tables to an engine when their module is imported, long before there are settings; so the
engine is a constant, and an opened :class:`~commercekit.platform.db.Database` attaches itself to it.
Inside a unit of work a query runs on its connection, elsewhere on the pool. Nothing connects on its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

from piccolo.engine.postgres import PostgresEngine
from piccolo.querystring import QueryString

if TYPE_CHECKING:
    from commercekit.platform.db.database import Database
    from commercekit.platform.db.unit_of_work import UnitOfWork

__all__ = ["ENGINE", "ShopEngine", "current_unit_of_work"]

_current: ContextVar[UnitOfWork | None] = ContextVar("commercekit_unit_of_work", default=None)


def current_unit_of_work() -> UnitOfWork | None:
    """The unit of work that this task is in, if any.

    Raises :class:`RuntimeError` in a task spawned inside a unit of work that is still open: two tasks
    on one connection interleave their statements, so the mistake is named instead of hidden.
    """
    uow = _current.get()
    if uow is None or uow.is_over:
        return None
    if uow.owner is not asyncio.current_task():
        message = (
            "a unit of work belongs to the task that opened it; do not gather, spawn or wait_for "
            "inside one"
        )
        raise RuntimeError(message)
    return uow


class ShopEngine(PostgresEngine):
    """Piccolo's engine without connections of its own and without ``transaction()``.

    Piccolo 1.38's transactions leak a pool connection when COMMIT fails and turn later ones of the same
    task into silent autocommit; :class:`~commercekit.platform.db.UnitOfWork` replaces them.
    """

    def __init__(self) -> None:  # the base class would connect while modules are being imported
        self.config = {}
        self.extensions = ()
        self.log_queries = False
        self.log_responses = False
        self.extra_nodes = {}
        self.pool = None
        self.engine_type = "postgres"
        self.min_version_number = 15
        self.query_id = 0
        self._databases: list[Database] = []
        # Piccolo reads this one itself in a few places; ours is `_current`.
        self.current_transaction = ContextVar("unused", default=None)

    def attach(self, database: Database) -> None:
        """Run what follows on ``database``; the one attached last wins until it is detached."""
        self._databases.append(database)

    def detach(self, database: Database) -> None:
        """Forget ``database``; unknown ones are no error."""
        if database in self._databases:
            self._databases.remove(database)

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> Any:
        """Run a query that Piccolo built; ``in_pool`` is Piccolo's and means nothing here."""
        query, args = querystring.compile_string(engine_type=self.engine_type)
        return await self._fetch(query, args)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> Any:
        """Run a statement that Piccolo built without parameters."""
        return await self._fetch(ddl, ())

    def transaction(self, allow_nested: bool = True) -> NoReturn:
        """Refused: open a unit of work instead."""
        message = "use Database.unit_of_work(): Piccolo's transactions lose atomicity on errors"
        raise RuntimeError(message)

    def atomic(self) -> NoReturn:
        """Refused: open a unit of work instead."""
        self.transaction()

    async def _fetch(self, query: str, args: Sequence[Any]) -> Any:
        uow = current_unit_of_work()
        if uow is not None:
            return await uow.fetch(query, *args)
        if not self._databases:
            message = "no database is open: open a Database before running queries"
            raise RuntimeError(message)
        return await self._databases[-1].fetch(query, *args)


ENGINE = ShopEngine()

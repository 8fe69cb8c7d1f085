"""Tables of an app whose code may be gone: how large they are, and dropping them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from commercekit.errors import Conflict

if TYPE_CHECKING:
    from commercekit.platform.db.database import Database
    from commercekit.platform.db.unit_of_work import UnitOfWork

__all__ = ["TableSize", "drop_app", "table_sizes"]


class TableSize(Struct, frozen=True):
    """One table with its indexes."""

    name: str
    rows: int
    bytes: int


async def table_sizes(
    db: Database, tables: Sequence[str], apps: Sequence[str]
) -> tuple[list[TableSize], dict[str, int]]:
    """Those of ``tables`` that exist, and how many migrations of each of ``apps`` ran."""
    async with db.unit_of_work(read_only=True) as uow:
        await uow.be_patient()  # large tables are counted row by row
        return await _counted(uow, tables), await _migrations(uow, apps)


async def _counted(uow: UnitOfWork, tables: Sequence[str]) -> list[TableSize]:
    rows = await uow.fetch(
        "SELECT relname, pg_total_relation_size(oid) AS size FROM pg_class"
        " WHERE relname = ANY ($1::text[]) AND relkind IN ('r', 'p')"
        " AND relnamespace = current_schema()::regnamespace ORDER BY relname",
        list(tables),
    )
    return [
        TableSize(
            row["relname"],
            int(await uow.fetchval(f'SELECT count(*) FROM "{row["relname"]}"')),  # noqa: S608 - as pg_class names it
            int(row["size"]),
        )
        for row in rows
    ]


async def _migrations(uow: UnitOfWork, apps: Sequence[str]) -> dict[str, int]:
    ran = await uow.fetch(
        "SELECT app_name, count(*) AS n FROM migration WHERE app_name = ANY ($1::text[])"
        " GROUP BY app_name ORDER BY app_name",
        list(apps),
    )
    return {row["app_name"]: row["n"] for row in ran}


async def drop_app(uow: UnitOfWork, app: str, tables: Sequence[str]) -> None:
    """Drop the tables of an app with the record of its migrations, together or not at all.

    Raises :class:`~commercekit.errors.Conflict` when something else stands on them: what that is has
    to be looked at by a person, so nothing is dropped in a cascade.
    """
    names = [
        row["relname"]
        for row in await uow.fetch(
            "SELECT relname FROM pg_class WHERE relname = ANY ($1::text[])"
            " AND relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace",
            list(tables),
        )
    ]
    if names:
        try:
            async with uow.nested():
                listed = ", ".join(f'"{name}"' for name in names)
                await uow.execute(f"DROP TABLE {listed}")
        except Exception as error:
            if getattr(error, "sqlstate", "") != "2BP01":
                raise
            message = (
                f"Something in the database stands on the tables of {app}: "
                f"{getattr(error, 'detail', error)} Take that away first."
            )
            raise Conflict(message) from error
    await uow.execute("DELETE FROM migration WHERE app_name = $1", app)

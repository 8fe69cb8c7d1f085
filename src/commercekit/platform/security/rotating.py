"""Replacing keys while the shop runs: the master key at once, data keys in two steps that nobody notices."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from commercekit.errors import Conflict
from commercekit.kernel import Clock, new_id
from commercekit.platform.security.keys import KEY_BYTES
from commercekit.platform.security.sealing import ROOT, Sealer, place_of_key
from commercekit.platform.security.watching import move_epoch, wait_until_heard

if TYPE_CHECKING:
    from commercekit.platform.db import Database, Record
    from commercekit.platform.security.sealed import SealedTable

__all__ = ["DataKeyState", "DataKeyView", "KeyRotation", "KeysBusy"]

REST: Final = timedelta(hours=1)
"""How long a replaced key stays at least: for what was sealed just before, and is written just after."""

_KID: Final = 4


class KeysBusy(Conflict):
    """A process of this shop has not taken up the keys, so that the next step would lock it out."""

    slug = "keys-busy"
    title = "Keys are not taken up yet"
    title_zh = "密钥尚未被所有进程接收"


class DataKeyState(StrEnum):
    """Where a data key is in its life."""

    PREPARED = "prepared"
    """Made, so that every process can open with it; seals nothing yet."""
    CURRENT = "current"
    REPLACED = "replaced"
    """Seals nothing any more; opens what has not been sealed anew."""


class DataKeyView(Struct, frozen=True, kw_only=True):
    """One data key, without what is in it."""

    table: str
    kid: str
    state: DataKeyState
    master_id: str
    created_at: datetime
    replaced_at: datetime | None


class KeyRotation:
    """Every step can be done again: one that was killed goes on where it was."""

    def __init__(self, db: Database, sealer: Sealer, clock: Clock) -> None:
        self._db = db
        self._sealer = sealer
        self._clock = clock

    async def keys(self) -> list[DataKeyView]:
        """All keys, by table; the newest first."""
        rows = await self._db.fetch(
            "SELECT table_name, kid, is_current, master_id, created_at, replaced_at"
            " FROM platform_data_key ORDER BY table_name, id DESC"
        )
        return [
            DataKeyView(
                table=row["table_name"],
                kid=row["kid"].hex(),
                state=_state(row),
                master_id=row["master_id"],
                created_at=row["created_at"],
                replaced_at=row["replaced_at"],
            )
            for row in rows
        ]

    async def rewrap(self) -> int:
        """Wrap every data key with the master key in use; gives how many were wrapped by another.

        Touches no sealed value. Once it is done the former master keys can leave the settings.
        """
        master = await self._sealer.keys.current()
        rows = await self._db.fetch(
            "SELECT id, table_name, master_id, wrapped FROM platform_data_key"
            " WHERE master_id <> $1 ORDER BY id",
            master,
        )
        wrapped: list[tuple[str, bytes]] = []
        for row in rows:
            place = place_of_key(row["table_name"], row["id"])
            key = await self._sealer.keys.unwrap(row["master_id"], row["wrapped"], place)
            wrapped.append(await self._sealer.keys.wrap(key, place))
        async with self._db.unit_of_work() as uow:
            for row, (master_id, content) in zip(rows, wrapped, strict=True):
                await uow.execute(
                    "UPDATE platform_data_key SET master_id = $2, wrapped = $3"
                    " WHERE id = $1 AND wrapped = $4",
                    row["id"],
                    master_id,
                    content,
                    row["wrapped"],
                )
        return len(rows)

    async def renew(self, tables: Iterable[SealedTable], *, patience: float = 60.0) -> list[str]:
        """Seal ``tables`` with new data keys from now on; gives the tables whose key has changed.

        First every process learns the new keys, then all begin to seal with them, so that none ever meets
        a value that it cannot open. Raises :class:`KeysBusy` when a process has not followed within
        ``patience`` seconds; nothing is lost, and the same call goes on from there.
        """
        names = sorted({table.name for table in tables if not table.is_kept} - {ROOT})
        async with self._db.alone("keys"):
            await self._prepare(names)
            await self._heard(patience)
            changed = await self._switch(names)
            await self._sealer.load(self._db)
            await self._heard(patience)
        return changed

    async def _prepare(self, names: Sequence[str]) -> None:
        rows = await self._db.fetch(
            "SELECT table_name FROM platform_data_key WHERE NOT is_current AND replaced_at IS NULL"
        )
        ready = {row["table_name"] for row in rows}
        made = []
        for name in names:
            if name in ready:
                continue
            identifier, kid = new_id(), secrets.token_bytes(_KID)
            place = place_of_key(name, identifier)
            master_id, wrapped = await self._sealer.keys.wrap(secrets.token_bytes(KEY_BYTES), place)
            made.append((identifier, kid, name, master_id, wrapped))
        async with self._db.unit_of_work() as uow:
            await uow.executemany(
                "INSERT INTO platform_data_key (id, kid, table_name, master_id, wrapped, is_current)"
                " VALUES ($1, $2, $3, $4, $5, false)",
                made,
            )
            await move_epoch(uow)

    async def _switch(self, names: Sequence[str]) -> list[str]:
        async with self._db.unit_of_work() as uow:
            rows = await uow.fetch(
                """
                UPDATE platform_data_key k SET is_current = false, replaced_at = $2
                WHERE k.is_current AND k.table_name = ANY ($1::text[]) AND EXISTS (
                    SELECT FROM platform_data_key n WHERE n.table_name = k.table_name
                    AND NOT n.is_current AND n.replaced_at IS NULL)
                RETURNING k.table_name
                """,
                list(names),
                self._clock.now(),
            )
            changed = sorted(row["table_name"] for row in rows)
            await uow.execute(
                "UPDATE platform_data_key SET is_current = true WHERE NOT is_current"
                " AND replaced_at IS NULL AND table_name = ANY ($1::text[])",
                changed,
            )
            await move_epoch(uow)
        return changed

    async def _heard(self, patience: float) -> None:
        if not await wait_until_heard(self._db, patience):
            message = (
                "A process of this shop has not taken up the new keys: look at its log, it may lack"
                " the master key. Nothing is lost; run the same again."
            )
            raise KeysBusy(message)


def _state(row: Record) -> DataKeyState:
    if row["is_current"]:
        return DataKeyState.CURRENT
    return DataKeyState.PREPARED if row["replaced_at"] is None else DataKeyState.REPLACED

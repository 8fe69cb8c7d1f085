"""Every query on the messages' table. Gives models, never rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from msgspec import Struct

from commercekit.kernel import Page, PageRequest
from commercekit.notifications.models import MessageState, MessageView
from commercekit.notifications.providers import Channel
from commercekit.platform.security import SealedTable

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["SEALED", "MessageRepository", "Opened", "Reader"]

SEALED = (SealedTable("notifications_message", ("recipient", "params")),)
"""Tables with sealed columns, for the sealer to load its keys."""

_TABLE = "notifications_message"
_VIEW = (
    "id, channel, template, locale, state, attempts, notifier, failure_code, created_at, sent_at"
)


class Reader(Protocol):
    """A database or a unit of work: anything that answers queries."""

    async def fetch(self, sql: str, /, *args: Any) -> list[Any]: ...
    async def fetchrow(self, sql: str, /, *args: Any) -> Any: ...
    async def fetchval(self, sql: str, /, *args: Any) -> Any: ...


class Opened(Struct, frozen=True, kw_only=True):
    """A message with its seals opened, for the moment of sending."""

    id: UUID
    dedupe_key: str
    channel: Channel
    template: str
    locale: str
    to: str
    params: dict[str, Any]
    state: MessageState


class MessageRepository:
    """Reads and writes messages."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def insert(self, uow: UnitOfWork, message: Opened, now: datetime) -> bool:
        """Write a message; ``False`` when its key was used before."""
        tag = await uow.execute(
            """
            INSERT INTO notifications_message (id, dedupe_key, channel, template, locale, recipient,
                params, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
            ON CONFLICT (dedupe_key) DO NOTHING
            """,
            message.id,
            message.dedupe_key,
            message.channel,
            message.template,
            message.locale,
            self._sealer.seal(_TABLE, "recipient", message.id, message.to),
            self._sealer.seal(_TABLE, "params", message.id, message.params),
            now,
        )
        return tag.endswith(" 1")

    async def open(self, where: Reader, message_id: UUID) -> Opened | None:
        """A message, its seals opened."""
        row = await where.fetchrow(
            """SELECT id, dedupe_key, channel, template, locale, recipient, params, state
            FROM notifications_message WHERE id = $1""",
            message_id,
        )
        if row is None:
            return None
        return Opened(
            id=row["id"],
            dedupe_key=row["dedupe_key"],
            channel=Channel(row["channel"]),
            template=row["template"],
            locale=row["locale"],
            to=self._sealer.open(_TABLE, "recipient", message_id, row["recipient"], str),
            params=self._sealer.open(_TABLE, "params", message_id, row["params"], dict[str, Any]),
            state=MessageState(row["state"]),
        )

    async def record(
        self,
        uow: UnitOfWork,
        message_id: UUID,
        state: MessageState,
        now: datetime,
        *,
        notifier: str | None = None,
        failure_code: str | None = None,
        attempted: bool = True,
    ) -> None:
        """Write what became of an attempt; what a receipt said already stays."""
        await uow.execute(
            """
            UPDATE notifications_message
            SET state = CASE WHEN state IN ('delivered', 'bounced') THEN state ELSE $2 END,
                attempts = attempts + $6, notifier = coalesce($3, notifier), failure_code = $4,
                sent_at = CASE WHEN $2 IN ('sent', 'accepted') THEN coalesce(sent_at, $5)
                               ELSE sent_at END,
                updated_at = $5
            WHERE id = $1
            """,
            message_id,
            state,
            notifier,
            failure_code,
            now,
            int(attempted),
        )

    async def record_receipt(
        self,
        uow: UnitOfWork,
        message_id: UUID,
        state: MessageState,
        code: str | None,
        now: datetime,
    ) -> bool:
        """Write what the vendor told later; ``False`` when the message is not known."""
        tag = await uow.execute(
            """UPDATE notifications_message SET state = $2, failure_code = $3, updated_at = $4
            WHERE id = $1""",
            message_id,
            state,
            code,
            now,
        )
        return tag.endswith(" 1")

    async def page(
        self, where: Reader, page: PageRequest, *, state: MessageState | None
    ) -> Page[MessageView]:
        """Newest first."""
        after = UUID(page.after[0]) if page.after else None
        rows = await where.fetch(
            f"""SELECT {_VIEW} FROM notifications_message
            WHERE ($1::text IS NULL OR state = $1) AND ($2::uuid IS NULL OR id < $2)
            ORDER BY id DESC LIMIT $3""",
            state,
            after,
            page.limit + 1,
        )
        items = [
            MessageView(
                **{
                    **dict(row),
                    "channel": Channel(row["channel"]),
                    "state": MessageState(row["state"]),
                }
            )
            for row in rows[: page.limit]
        ]
        more = len(rows) > page.limit
        return Page(items=items, next_cursor=str(items[-1].id) if more else None)

    async def prune(self, uow: UnitOfWork, now: datetime, keep: timedelta) -> None:
        """Delete what is older than ``keep``, whatever became of it."""
        await uow.execute("DELETE FROM notifications_message WHERE created_at < $1", now - keep)

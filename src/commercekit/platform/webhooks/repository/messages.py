"""Queries on messages and attempts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from msgspec import Struct

from commercekit.kernel import Page, PageRequest
from commercekit.platform.webhooks.models import (
    Due,
    MessageState,
    WebhookAttempt,
    WebhookMessage,
)
from commercekit.platform.webhooks.rules import message_name

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.webhooks.repository.endpoints import Reader

__all__ = ["MessageRepository", "NewMessage"]

_VIEW: Final = (
    "id, endpoint_id, type, occurred_at, state, attempts, due_at, created_at, finished_at,"
    " last_status, last_error"
)
_DUE: Final = "id, endpoint_id, type, body, attempts, tries"
_BATCH: Final = 5000


class NewMessage(Struct, frozen=True, kw_only=True):
    """One fact for one endpoint."""

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    type: str
    occurred_at: datetime
    body: str
    due_at: datetime


class MessageRepository:
    """Reads and writes messages."""

    async def insert(self, uow: UnitOfWork, messages: Sequence[NewMessage]) -> list[UUID]:
        """Write those that are not there yet; gives the endpoints that have one more now."""
        columns: list[list[Any]] = [
            [getattr(message, name) for message in messages]
            for name in ("id", "endpoint_id", "event_id", "type", "occurred_at", "body", "due_at")
        ]
        rows = await uow.fetch(
            """
            INSERT INTO webhooks_message
                (id, endpoint_id, event_id, type, occurred_at, body, due_at, created_at)
            SELECT t.*, $8 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[],
                $5::timestamptz[], $6::text[], $7::timestamptz[]) AS t
            ON CONFLICT (endpoint_id, event_id) DO NOTHING RETURNING endpoint_id
            """,
            *columns,
            uow.clock.now(),
        )
        return [row["endpoint_id"] for row in rows]

    async def due(self, where: Reader, endpoint_id: UUID, now: datetime, limit: int) -> list[Due]:
        """What is to be sent now, longest due first."""
        rows = await where.fetch(
            f"SELECT {_DUE} FROM webhooks_message WHERE endpoint_id = $1 AND state = 'waiting'"
            " AND due_at <= $2 ORDER BY due_at, id LIMIT $3",
            endpoint_id,
            now,
            limit,
        )
        return [Due(**dict(row)) for row in rows]

    async def one_due(self, where: Reader, message_id: UUID) -> Due | None:
        """One message as it is sent."""
        row = await where.fetchrow(
            f"SELECT {_DUE} FROM webhooks_message WHERE id = $1",
            message_id,
        )
        return None if row is None else Due(**dict(row))

    async def next_due(self, where: Reader) -> datetime | None:
        """When the next message of any enabled endpoint is to be sent, and not before it has rested."""
        at: datetime | None = await where.fetchval(
            """
            SELECT min(greatest(d.due_at, e.rests_until))
            FROM webhooks_endpoint e CROSS JOIN LATERAL (
                SELECT m.due_at FROM webhooks_message m
                WHERE m.endpoint_id = e.id AND m.state = 'waiting' ORDER BY m.due_at LIMIT 1) d
            WHERE e.state = 'enabled'
            """
        )
        return at

    async def due_endpoints(
        self, where: Reader, now: datetime, but: Sequence[UUID], limit: int
    ) -> list[UUID]:
        """Endpoints to which something is to be sent now, whoever has waited longest first."""
        rows = await where.fetch(
            """
            SELECT e.id FROM webhooks_endpoint e CROSS JOIN LATERAL (
                SELECT m.due_at FROM webhooks_message m
                WHERE m.endpoint_id = e.id AND m.state = 'waiting' ORDER BY m.due_at LIMIT 1) d
            WHERE e.state = 'enabled' AND d.due_at <= $1 AND e.id <> ALL($2::uuid[])
              AND (e.rests_until IS NULL OR e.rests_until <= $1)
            ORDER BY d.due_at, e.id LIMIT $3
            """,
            now,
            list(but),
            limit,
        )
        return [row["id"] for row in rows]

    async def log(self, uow: UnitOfWork, message: Due, attempt: WebhookAttempt) -> None:
        """Write an attempt down; nothing when the endpoint was deleted meanwhile."""
        await uow.execute(
            """
            INSERT INTO webhooks_attempt
                (id, message_id, endpoint_id, number, at, duration_ms, status, error, answer)
            SELECT $1, id, endpoint_id, tries + 1, $3, $4, $5, $6, $7
            FROM webhooks_message WHERE id = $2
            """,
            attempt.id,
            message.id,
            attempt.at,
            attempt.duration_ms,
            attempt.status,
            attempt.error,
            attempt.answer,
        )

    async def record(
        self,
        uow: UnitOfWork,
        message: Due,
        attempt: WebhookAttempt,
        state: MessageState,
        due_at: datetime | None,
    ) -> None:
        """Write what became of it; a failure changes nothing about one that got through meanwhile."""
        await uow.execute(
            """
            UPDATE webhooks_message
            SET tries = tries + 1, attempts = attempts + 1, last_status = $4, last_error = $5,
                state = CASE WHEN state = 'waiting' OR $2 = 'delivered' THEN $2 ELSE state END,
                due_at = CASE WHEN state = 'waiting' OR $2 = 'delivered' THEN $3 ELSE due_at END,
                finished_at = CASE WHEN $2 = 'waiting' THEN finished_at ELSE $6 END
            WHERE id = $1
            """,
            message.id,
            state,
            due_at,
            attempt.status,
            attempt.error,
            attempt.at,
        )

    async def find(
        self, where: Reader, endpoint_id: UUID, message_id: UUID
    ) -> tuple[WebhookMessage, str] | None:
        """One message of an endpoint, and its body."""
        row = await where.fetchrow(
            f"SELECT {_VIEW}, body FROM webhooks_message WHERE id = $1 AND endpoint_id = $2",
            message_id,
            endpoint_id,
        )
        return None if row is None else (_message(row), row["body"])

    async def page(
        self,
        where: Reader,
        endpoint_id: UUID,
        page: PageRequest,
        *,
        state: MessageState | None,
        type_name: str | None,
    ) -> Page[WebhookMessage]:
        """Newest first."""
        rows = await where.fetch(
            f"SELECT {_VIEW} FROM webhooks_message WHERE endpoint_id = $1"
            " AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR type = $3)"
            " AND ($4::uuid IS NULL OR id < $4) ORDER BY id DESC LIMIT $5",
            endpoint_id,
            state,
            type_name,
            UUID(page.after[0]) if page.after else None,
            page.limit + 1,
        )
        items = [_message(row) for row in rows[: page.limit]]
        more = len(rows) > page.limit
        return Page(items=items, next_cursor=str(rows[page.limit - 1]["id"]) if more else None)

    async def attempts(
        self, where: Reader, endpoint_id: UUID, page: PageRequest, message_id: UUID | None
    ) -> Page[WebhookAttempt]:
        """At one message or at all of an endpoint's, newest first."""
        rows = await where.fetch(
            """
            SELECT id, message_id, number, at, duration_ms, status, error, answer
            FROM webhooks_attempt
            WHERE endpoint_id = $1 AND ($2::uuid IS NULL OR message_id = $2)
              AND ($3::uuid IS NULL OR id < $3)
            ORDER BY id DESC LIMIT $4
            """,
            endpoint_id,
            message_id,
            UUID(page.after[0]) if page.after else None,
            page.limit + 1,
        )
        items = [
            WebhookAttempt(**{**dict(row), "message_id": message_name(row["message_id"])})
            for row in rows[: page.limit]
        ]
        more = len(rows) > page.limit
        return Page(items=items, next_cursor=str(items[-1].id) if more else None)

    async def replay(
        self,
        uow: UnitOfWork,
        endpoint_id: UUID,
        *,
        message_id: UUID | None = None,
        undelivered: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        """Have messages wait again, due now and with all their attempts before them; how many.

        ``undelivered``: only those that were tried and have not got through, given up or not.
        """
        tag = await uow.execute(
            """
            UPDATE webhooks_message
            SET state = 'waiting', due_at = $7, attempts = 0, finished_at = NULL
            WHERE endpoint_id = $1 AND ($2::uuid IS NULL OR id = $2)
              AND (NOT $3 OR state = 'failed' OR (state = 'waiting' AND attempts > 0))
              AND ($4::timestamptz IS NULL OR occurred_at >= $4)
              AND ($5::timestamptz IS NULL OR occurred_at < $5)
              AND ($2::uuid IS NOT NULL OR type <> $6)
            """,
            endpoint_id,
            message_id,
            undelivered,
            since,
            until,
            "webhook.Test",
            uow.clock.now(),
        )
        return int(tag.rpartition(" ")[2])

    async def hasten(self, uow: UnitOfWork, endpoint_id: UUID) -> None:
        """Have everything that waits for its next attempt be due now."""
        await uow.execute(
            "UPDATE webhooks_message SET due_at = least(due_at, $2)"
            " WHERE endpoint_id = $1 AND state = 'waiting'",
            endpoint_id,
            uow.clock.now(),
        )

    async def prune(self, uow: UnitOfWork, before: datetime) -> int:
        """Delete up to a batch of what is older, whatever became of it; how many messages."""
        tag = await uow.execute(
            """
            DELETE FROM webhooks_message WHERE id IN (
                SELECT id FROM webhooks_message WHERE created_at < $1 ORDER BY created_at LIMIT $2)
            """,
            before,
            _BATCH,
        )
        return int(tag.rpartition(" ")[2])

    async def backlog(self, where: Reader) -> int:
        """Messages that wait for an enabled endpoint."""
        return int(
            await where.fetchval(
                """
                SELECT count(*) FROM webhooks_message m
                JOIN webhooks_endpoint e ON e.id = m.endpoint_id
                WHERE m.state = 'waiting' AND e.state = 'enabled'
                """
            )
        )


def _message(row: Any) -> WebhookMessage:
    values = {name: row[name] for name in WebhookMessage.__struct_fields__}
    return WebhookMessage(
        **{**values, "id": message_name(row["id"]), "state": MessageState(row["state"])}
    )

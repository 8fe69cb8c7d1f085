"""Queries on endpoints and their secrets; opening a seal happens here and nowhere else."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from uuid import UUID

import msgspec

from commercekit.kernel import Page, PageRequest
from commercekit.platform.security import SealedTable, SignatureScheme, SigningKey
from commercekit.platform.webhooks.models import (
    DisabledReason,
    Endpoint,
    EndpointState,
    SecretView,
    Target,
)
from commercekit.platform.webhooks.rules import public_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["SEALED", "EndpointRepository", "Health", "Reader"]

_ENDPOINT: Final = "webhooks_endpoint"
_SECRET: Final = "webhooks_secret"  # noqa: S105 - the name of a table
SEALED: Final = (
    SealedTable(_ENDPOINT, ("headers",)),
    SealedTable(_SECRET, ("secret",)),
)
"""Tables with sealed columns, for the sealer to load its keys."""

_COLUMNS: Final = (
    "id, url, description, events, signature, state, disabled_reason, disabled_at, header_names,"
    " failing_since, failures, rests_until, delivered_at, created_by, created_at, updated_at, version"
)


class Reader(Protocol):
    """A database or a unit of work: anything that answers queries."""

    async def fetch(self, sql: str, /, *args: Any) -> list[Any]: ...
    async def fetchrow(self, sql: str, /, *args: Any) -> Any: ...
    async def fetchval(self, sql: str, /, *args: Any) -> Any: ...


class Health(NamedTuple):
    """How an endpoint is after an attempt at it."""

    state: EndpointState
    failing_since: datetime | None
    failures: int


class EndpointRepository:
    """Reads and writes endpoints."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def insert(self, uow: UnitOfWork, endpoint: Endpoint, headers: Mapping[str, str]) -> bool:
        """Write a new one; ``False`` when its id is there already."""
        tag = await uow.execute(
            """
            INSERT INTO webhooks_endpoint (id, url, description, events, signature, headers,
                header_names, created_by, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT (id) DO NOTHING
            """,
            endpoint.id,
            endpoint.url,
            endpoint.description,
            endpoint.events,
            endpoint.signature,
            self._sealed(endpoint.id, headers),
            sorted(headers),
            endpoint.created_by,
            endpoint.created_at,
        )
        return tag.endswith(" 1")

    async def update(
        self, uow: UnitOfWork, endpoint: Endpoint, headers: Mapping[str, str] | None
    ) -> None:
        """Write what people may change; ``None`` leaves the headers as they are."""
        await uow.execute(
            """
            UPDATE webhooks_endpoint SET url = $2, description = $3, events = $4, updated_at = $5,
                headers = CASE WHEN $6 THEN $7 ELSE headers END,
                header_names = CASE WHEN $6 THEN $8 ELSE header_names END, version = version + 1
            WHERE id = $1
            """,
            endpoint.id,
            endpoint.url,
            endpoint.description,
            endpoint.events,
            uow.clock.now(),
            headers is not None,
            self._sealed(endpoint.id, headers or {}),
            sorted(headers or {}),
        )

    async def delete(self, uow: UnitOfWork, endpoint_id: UUID) -> None:
        """With its secrets, messages and attempts."""
        await uow.execute("DELETE FROM webhooks_attempt WHERE endpoint_id = $1", endpoint_id)
        await uow.execute("DELETE FROM webhooks_endpoint WHERE id = $1", endpoint_id)

    async def find(
        self, where: Reader, endpoint_id: UUID, *, lock: bool = False
    ) -> Endpoint | None:
        """One endpoint; locked against changes until the end of the unit of work."""
        row = await where.fetchrow(
            f"SELECT {_COLUMNS} FROM webhooks_endpoint WHERE id = $1"
            + (" FOR NO KEY UPDATE" if lock else ""),
            endpoint_id,
        )
        return None if row is None else _endpoint(row)

    async def page(
        self, where: Reader, page: PageRequest, maker: str | None = None
    ) -> Page[Endpoint]:
        """Newest first; only those of ``maker`` if there is one."""
        rows = await where.fetch(
            f"SELECT {_COLUMNS} FROM webhooks_endpoint"
            " WHERE ($1::uuid IS NULL OR id < $1) AND ($3::text IS NULL OR created_by = $3)"
            " ORDER BY id DESC LIMIT $2",
            UUID(page.after[0]) if page.after else None,
            page.limit + 1,
            maker,
        )
        items = [_endpoint(row) for row in rows[: page.limit]]
        more = len(rows) > page.limit
        return Page(items=items, next_cursor=str(items[-1].id) if more else None)

    async def listening(self, where: Reader) -> list[tuple[UUID, list[str]]]:
        """Those that are enabled, with what they ask for."""
        rows = await where.fetch(
            "SELECT id, events FROM webhooks_endpoint WHERE state = 'enabled' ORDER BY id"
        )
        return [(row["id"], row["events"]) for row in rows]

    async def enable(self, uow: UnitOfWork, endpoint_id: UUID) -> None:
        """With a clean sheet: what failed before does not count any more."""
        await uow.execute(
            """
            UPDATE webhooks_endpoint SET state = 'enabled', disabled_reason = NULL, disabled_at = NULL,
                failing_since = NULL, failures = 0, rests_until = NULL, updated_at = $2,
                version = version + 1
            WHERE id = $1
            """,
            endpoint_id,
            uow.clock.now(),
        )

    async def disable(self, uow: UnitOfWork, endpoint_id: UUID, reason: DisabledReason) -> bool:
        """Send nothing any more; ``False`` when that is so already."""
        tag = await uow.execute(
            """
            UPDATE webhooks_endpoint SET state = 'disabled', disabled_reason = $2, disabled_at = $3,
                updated_at = $3, version = version + 1
            WHERE id = $1 AND state = 'enabled'
            """,
            endpoint_id,
            reason,
            uow.clock.now(),
        )
        return tag.endswith(" 1")

    async def went_well(self, uow: UnitOfWork, endpoint_id: UUID) -> None:
        """Note a success; when all goes well, not for every one of them."""
        await uow.execute(
            """
            UPDATE webhooks_endpoint
            SET failing_since = NULL, failures = 0, rests_until = NULL, delivered_at = $2
            WHERE id = $1 AND (failures > 0 OR rests_until IS NOT NULL OR delivered_at IS NULL
                               OR delivered_at < $2::timestamptz - interval '10 seconds')
            """,
            endpoint_id,
            uow.clock.now(),
        )

    async def went_wrong(
        self, uow: UnitOfWork, endpoint_id: UUID, rests_until: datetime | None
    ) -> Health | None:
        """Note a failure, and how long the endpoint wants to be left alone."""
        row = await uow.fetchrow(
            """
            UPDATE webhooks_endpoint
            SET failing_since = coalesce(failing_since, $2), failures = failures + 1,
                rests_until = greatest(rests_until, $3)
            WHERE id = $1 RETURNING state, failing_since, failures
            """,
            endpoint_id,
            uow.clock.now(),
            rests_until,
        )
        if row is None:
            return None
        return Health(EndpointState(row["state"]), row["failing_since"], row["failures"])

    # ---------------------------------------------------------------------------------- secrets

    async def add_secret(
        self, uow: UnitOfWork, secret_id: UUID, endpoint_id: UUID, key: SigningKey
    ) -> None:
        """The newest key; the one before must have got its end."""
        await uow.execute(
            """
            INSERT INTO webhooks_secret (id, endpoint_id, signature, secret, public_key, created_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            """,
            secret_id,
            endpoint_id,
            key.scheme,
            self._sealer.seal(_SECRET, "secret", secret_id, key.material),
            key.public,
            uow.clock.now(),
        )
        await uow.execute(
            "UPDATE webhooks_endpoint SET signature = $2 WHERE id = $1", endpoint_id, key.scheme
        )

    async def forget_secret(self, uow: UnitOfWork, secret_id: UUID) -> bool:
        """Drop a key whose owner never got it; whether there was one."""
        tag = await uow.execute("DELETE FROM webhooks_secret WHERE id = $1", secret_id)
        return tag.endswith(" 1")

    async def end_secrets(self, uow: UnitOfWork, endpoint_id: UUID, at: datetime) -> None:
        """Have every key end, at ``at`` or when it ends anyway."""
        await uow.execute(
            "UPDATE webhooks_secret SET ends_at = least(ends_at, $2) WHERE endpoint_id = $1",
            endpoint_id,
            at,
        )

    async def secrets(self, where: Reader, endpoint_id: UUID, now: datetime) -> list[SecretView]:
        """Those that messages are signed with, newest first."""
        rows = await where.fetch(
            """
            SELECT id, signature, created_at, ends_at, public_key FROM webhooks_secret
            WHERE endpoint_id = $1 AND (ends_at IS NULL OR ends_at > $2) ORDER BY id DESC
            """,
            endpoint_id,
            now,
        )
        return [
            SecretView(
                id=row["id"],
                signature=SignatureScheme(row["signature"]),
                created_at=row["created_at"],
                ends_at=row["ends_at"],
                public_key=public_text(row["public_key"]),
            )
            for row in rows
        ]

    async def prune_secrets(self, uow: UnitOfWork, before: datetime) -> None:
        """Delete those that ended before then."""
        await uow.execute("DELETE FROM webhooks_secret WHERE ends_at < $1", before)

    async def target(self, where: Reader, endpoint_id: UUID, now: datetime) -> Target | None:
        """What sending takes, seals opened."""
        row = await where.fetchrow(
            "SELECT id, url, state, rests_until, headers FROM webhooks_endpoint WHERE id = $1",
            endpoint_id,
        )
        if row is None:
            return None
        keys = await where.fetch(
            """
            SELECT id, signature, secret FROM webhooks_secret
            WHERE endpoint_id = $1 AND (ends_at IS NULL OR ends_at > $2) ORDER BY id DESC
            """,
            endpoint_id,
            now,
        )
        headers: dict[str, str] = {}
        if row["headers"] is not None:
            headers = self._sealer.open(
                _ENDPOINT, "headers", endpoint_id, row["headers"], dict[str, str]
            )
        return Target(
            id=row["id"],
            url=row["url"],
            state=EndpointState(row["state"]),
            rests_until=row["rests_until"],
            headers=headers,
            keys=[
                SigningKey(
                    SignatureScheme(key["signature"]),
                    self._sealer.open(_SECRET, "secret", key["id"], key["secret"]),
                )
                for key in keys
            ],
        )

    def _sealed(self, endpoint_id: UUID, headers: Mapping[str, str]) -> bytes | None:
        if not headers:
            return None
        return self._sealer.seal(
            _ENDPOINT, "headers", endpoint_id, msgspec.json.encode(dict(headers))
        )


def _endpoint(row: Any) -> Endpoint:
    reason = row["disabled_reason"]
    return Endpoint(
        **{
            **dict(row),
            "signature": SignatureScheme(row["signature"]),
            "state": EndpointState(row["state"]),
            "disabled_reason": None if reason is None else DisabledReason(reason),
        }
    )

"""What a plugin leaves in the database: written down while it is here, read when it is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, field

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Brought", "PluginTrace", "PluginTraces"]


class Brought(Struct, frozen=True, kw_only=True):
    """Names of everything that a plugin ever brought and that is stored somewhere."""

    apps: dict[str, list[str]] = field(default_factory=dict)
    """Tables, by the name of the Piccolo app whose migrations made them."""
    jobs: list[str] = field(default_factory=list)
    schedules: list[str] = field(default_factory=list)
    consumers: list[str] = field(default_factory=list)
    permissions: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    """``<entity>.<name>``."""
    providers: dict[str, list[str]] = field(default_factory=dict)
    """Codes, by the hook that brought them: ``payment_gateways``, ``carriers`` …"""

    def and_also(self, other: Brought) -> Brought:
        """Both together: what an older version brought may still lie about."""
        return Brought(
            apps=_joined(self.apps, other.apps),
            jobs=_union(self.jobs, other.jobs),
            schedules=_union(self.schedules, other.schedules),
            consumers=_union(self.consumers, other.consumers),
            permissions=_union(self.permissions, other.permissions),
            fields=_union(self.fields, other.fields),
            providers=_joined(self.providers, other.providers),
        )


class PluginTrace(Struct, frozen=True, kw_only=True):
    """A plugin that is or was enabled in this shop."""

    code: str
    distribution: str
    version: str
    brought: Brought


_decode = msgspec.json.Decoder(Brought).decode
_REMEMBER = """
INSERT INTO platform_plugin AS p
    (code, distribution, version, brought, first_seen_at, changed_at)
VALUES ($1, $2, $3, $4::jsonb, $5, $5)
ON CONFLICT (code) DO UPDATE SET distribution = excluded.distribution, version = excluded.version,
    brought = excluded.brought, changed_at = excluded.changed_at
"""


class PluginTraces:
    """Reads and writes them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def remember(self, traces: Iterable[PluginTrace]) -> None:
        """Write down what is new; a plugin that brings what it brought costs nothing but the look."""
        known = {trace.code: trace for trace in await self.all()}
        for trace in traces:
            before = known.get(trace.code)
            if before is not None:
                brought = before.brought.and_also(trace.brought)
                trace = msgspec.structs.replace(trace, brought=brought)  # noqa: PLW2901 - the sum of both
            if trace == before:
                continue
            await self._db.execute(
                _REMEMBER,
                trace.code,
                trace.distribution,
                trace.version,
                msgspec.json.encode(trace.brought).decode(),
                self._db.clock.now(),
            )

    async def all(self) -> list[PluginTrace]:
        """Every plugin that was ever here and whose data nobody removed, by code."""
        rows = await self._db.fetch(
            "SELECT code, distribution, version, brought FROM platform_plugin ORDER BY code"
        )
        return [_trace(row) for row in rows]

    async def forget(self, uow: UnitOfWork, code: str) -> None:
        """The last step of removing what it left."""
        await uow.execute("DELETE FROM platform_plugin WHERE code = $1", code)


def _trace(row: Any) -> PluginTrace:
    return PluginTrace(
        code=row["code"],
        distribution=row["distribution"],
        version=row["version"],
        brought=_decode(row["brought"]),
    )


def _union(one: list[str], other: list[str]) -> list[str]:
    return sorted({*one, *other})


def _joined(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {key: _union(one.get(key, []), other.get(key, [])) for key in sorted({*one, *other})}

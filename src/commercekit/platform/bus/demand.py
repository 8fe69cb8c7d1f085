"""Consumers that listen only while somebody asks them to, so that nobody pays for what nobody wants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from commercekit.kernel import DomainEvent

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["ask_for"]

_ASK = """
INSERT INTO platform_consumer (consumer, type, aggregate, seen_at, known_since)
SELECT $1, t.type, t.aggregate, now(), clock_timestamp()
FROM unnest($2::text[], $3::text[]) AS t(type, aggregate)
ORDER BY t.type
ON CONFLICT (consumer, type) DO UPDATE SET seen_at = now()
"""
_ASK_NO_MORE = "DELETE FROM platform_consumer WHERE consumer = $1 AND type <> ALL($2::text[])"


async def ask_for(uow: UnitOfWork, consumer: str, facts: Iterable[type[DomainEvent]]) -> None:
    """Have ``consumer``, which is served on demand, hear exactly these facts from now on.

    Every fact of which the transaction is committed after this one reaches it. What it has not heard
    yet of others it still hears.
    """
    wanted = sorted({(kind.type_name(), kind.aggregate) for kind in facts})
    types = [name for name, _ in wanted]
    await uow.execute(_ASK_NO_MORE, consumer, types)
    if types:
        await uow.execute(_ASK, consumer, types, [aggregate for _, aggregate in wanted])

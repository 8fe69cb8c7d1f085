"""The shop audits its own books a few times a day, so that a broken one is seen before a customer does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from commercekit.platform.db import audit, invariants_of
from commercekit.platform.jobs import JobContext, JobKind, Schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.app.shop import Shop

__all__ = ["audit_books", "auditing"]

_EVERY = timedelta(hours=6)
_log = structlog.get_logger("commercekit.audit")


async def audit_books(shop: Shop, apps: Sequence[str]) -> int:
    """Ask every invariant once; gives how many are broken, and tells the metrics and the log."""
    breaches = await audit(shop.db, invariants_of(apps))
    for breach in breaches:
        _log.error("invariant-broken", invariant=breach.invariant.name, rows=breach.count)
    shop.metrics.invariants_failed.set(len(breaches))
    return len(breaches)


def auditing(shop: Shop, apps: Sequence[str]) -> tuple[list[JobKind], list[Schedule]]:
    """The job, and how often it is due."""

    async def run(_context: JobContext) -> None:
        await audit_books(shop, apps)

    return (
        [JobKind("platform.audit", run)],
        [Schedule("platform.audit", every=_EVERY, job="platform.audit")],
    )

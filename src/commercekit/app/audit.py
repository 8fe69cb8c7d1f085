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

__all__ = ["audit_books", "audit_trail", "auditing"]

_EVERY = timedelta(hours=6)
_TRAIL = timedelta(days=1)
_NAMED = 20
_log = structlog.get_logger("commercekit.audit")


async def audit_books(shop: Shop, apps: Sequence[str]) -> int:
    """Ask every invariant once; gives how many are broken, and tells the metrics and the log."""
    breaches = await audit(shop.db, invariants_of(apps))
    for breach in breaches:
        _log.error("invariant-broken", invariant=breach.invariant.name, rows=breach.count)
    shop.metrics.invariants_failed.set(len(breaches))
    return len(breaches)


async def audit_trail(shop: Shop) -> int:
    """Verify the whole audit trail; gives how many of its entries are not what was written.

    The log gets the ends of the chains each time: it lies elsewhere, so that an end which is cut off
    later is missed.
    """
    report = await shop.identity.audit.verify()
    for breach in report.breaches[:_NAMED]:
        _log.error(
            "audit-trail-broken",
            chain=breach.lane,
            number=breach.number,
            entry=str(breach.entry),
            kind=breach.kind,
        )
    heads = [f"{head.lane}:{head.number}:{head.hash}" for head in report.heads]
    _log.info("audit-heads", checked=report.checked, breaches=len(report.breaches), heads=heads)
    return len(report.breaches)


def auditing(shop: Shop, apps: Sequence[str]) -> tuple[list[JobKind], list[Schedule]]:
    """The job, and how often it is due."""

    async def run(_context: JobContext) -> None:
        await audit_books(shop, apps)

    async def verify(_context: JobContext) -> None:
        await audit_trail(shop)

    return (
        [JobKind("platform.audit", run), JobKind("identity.audit-trail", verify)],
        [
            Schedule("platform.audit", every=_EVERY, job="platform.audit"),
            Schedule("identity.audit-trail", every=_TRAIL, job="identity.audit-trail"),
        ],
    )

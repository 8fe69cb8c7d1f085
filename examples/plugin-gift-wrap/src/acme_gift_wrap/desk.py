"""What happens at the wrapping desk."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct

from commercekit.errors import Conflict, NotFound

if TYPE_CHECKING:
    from acme_gift_wrap.settings import Settings
    from commercekit import PluginContext
    from commercekit.orders import OrderPaid
    from commercekit.platform.bus import EventMeta
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.jobs import JobContext

__all__ = ["Desk", "Wrap", "WrapJob"]

CHECK = "gift-wrap.check-paper"


class WrapJob(Struct, frozen=True):
    """Which paper to look after."""

    paper: str


class Wrap(Struct, frozen=True, kw_only=True):
    """An order on the desk's list."""

    order_id: UUID
    number: str
    paper: str
    asked_at: datetime
    wrapped_at: datetime | None


class Desk:
    """Kept by the routes, the subscriber and the jobs of one process; holds no state of its own."""

    def __init__(self, ctx: PluginContext, settings: Settings) -> None:
        self._ctx = ctx
        self._settings = settings

    async def ask(self, uow: UnitOfWork, event: OrderPaid, _meta: EventMeta) -> None:
        """A paid order with a paper goes onto the list; heard twice, it stands there once."""
        kept = await self._ctx.extensions.read("order", event.order_id)
        paper = kept.get("paper", "none")
        if paper == "none":
            return
        await uow.execute(
            "INSERT INTO gift_wrap_wrap (order_id, number, paper, asked_at) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT DO NOTHING",
            event.order_id,
            event.number,
            paper,
            uow.clock.now(),
        )

    async def waiting(self) -> list[Wrap]:
        """What is to be wrapped, first come first served."""
        rows = await self._ctx.db.fetch(
            "SELECT order_id, number, paper, asked_at, wrapped_at FROM gift_wrap_wrap"
            " WHERE wrapped_at IS NULL ORDER BY asked_at"
        )
        return [Wrap(**dict(row)) for row in rows]

    async def done(self, number: str) -> Wrap:
        """It is wrapped: one sheet less, and the order says so. All of it, or nothing."""
        ctx = self._ctx
        async with ctx.db.unit_of_work() as uow:
            row = await uow.fetchrow(
                "UPDATE gift_wrap_wrap SET wrapped_at = $2 WHERE number = $1 AND wrapped_at IS NULL"
                " RETURNING order_id, number, paper, asked_at, wrapped_at",
                number,
                uow.clock.now(),
            )
            if row is None:
                message = f"No order {number!r} waits to be wrapped."
                raise NotFound(message)
            wrap = Wrap(**dict(row))
            left = await uow.fetchval(
                "UPDATE gift_wrap_paper SET sheets = sheets - 1 WHERE code = $1 AND sheets > 0"
                " RETURNING sheets",
                wrap.paper,
            )
            if left is None:
                message = f"There is no sheet of {wrap.paper!r} left."
                raise Conflict(message)
            told = {"wrapped_at": wrap.wrapped_at}
            await ctx.extensions.write(uow, "order", wrap.order_id, told)
            await ctx.enqueue(uow, CHECK, WrapJob(wrap.paper), unique_key=wrap.paper)
        return wrap

    async def check_paper(self, context: JobContext) -> None:
        """Say when a paper runs out."""
        job: WrapJob = context.payload
        left = await self._ctx.db.fetchval(
            "SELECT sheets FROM gift_wrap_paper WHERE code = $1", job.paper
        )
        if left is not None and left < self._settings.low_paper:
            self._ctx.log.warning("paper-runs-out", paper=job.paper, sheets=left)

    async def tidy(self, _context: JobContext) -> None:
        """Forget what was wrapped long ago."""
        keep: timedelta = self._settings.keep
        await self._ctx.db.execute(
            "DELETE FROM gift_wrap_wrap WHERE wrapped_at < $1", self._ctx.clock.now() - keep
        )

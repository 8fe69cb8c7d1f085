"""What a plugin left in the database: told by ``doctor``, removed by ``plugins remove-data``.

The history of money and goods is nobody's to remove: payments made with a plugin's gateway, refunds,
shipments, and what promotions took off stay as they are.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct

from commercekit.app.traces import traces_of
from commercekit.errors import Conflict, NotFound
from commercekit.platform.bus import places_of, remove_consumers
from commercekit.platform.db import drop_app, table_sizes
from commercekit.platform.extensions import FieldIndexes, count_values, remove_values
from commercekit.platform.jobs import count_jobs, remove_jobs
from commercekit.platform.plugins import PluginTrace, PluginTraces
from commercekit.platform.security import AuditEntry, Principal, forget_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from commercekit.app.shop import Shop
    from commercekit.platform.db import TableSize, UnitOfWork

__all__ = ["Kept", "Leftovers", "PluginLeftovers"]

_log = structlog.get_logger("commercekit.plugins")
_SERVED = timedelta(minutes=2)
"""Processes say every minute whom they serve."""


class Kept(Struct, frozen=True, kw_only=True):
    """What stays for good, because money or goods moved."""

    payments: int
    open_payments: int
    refunds: int
    shipments: int
    promotions: list[str]
    """Codes; they take nothing off while their rule is not there, and staff may delete them."""


class Leftovers(Struct, frozen=True, kw_only=True):
    """Everything in the database that came with one plugin."""

    code: str
    distribution: str
    version: str
    enabled: bool
    tables: list[TableSize]
    migrations: dict[str, int]
    """How many steps ran, by app."""
    values: dict[str, int]
    """How many products, variants, carts and orders keep something of it."""
    indexes: list[str]
    jobs: dict[str, int]
    """By state."""
    schedules: list[str]
    deliveries: dict[str, int]
    """By state; those that wait have not been seen by anybody."""
    positions: int
    tokens: dict[str, list[str]]
    """Permissions of it, by the handle of the token that holds them."""
    settings: list[str]
    """To be taken out of the file by hand."""
    kept: Kept

    @property
    def anything(self) -> bool:
        """Whether there is something to remove."""
        return bool(
            self.tables
            or self.migrations
            or any(self.values.values())
            or self.indexes
            or self.jobs
            or self.deliveries
            or self.positions
            or self.tokens
        )

    def sentence(self) -> str:
        """All of it in one line."""
        waiting = sum(self.jobs.get(state, 0) for state in ("waiting", "running", "parked"))
        unseen = sum(self.deliveries.get(state, 0) for state in ("waiting", "parked"))
        kept = self.kept
        counted = [
            (len(self.tables), "tables", "table"),
            (sum(self.values.values()), "values in fields", "value in a field"),
            (waiting, "jobs nobody does", "job nobody does"),
            (unseen, "facts nobody hears", "fact nobody hears"),
            (len(self.tokens), "tokens with its permissions", "token with its permissions"),
            (len(kept.promotions), "promotions without their rule", "promotion without its rule"),
            (kept.open_payments, "payments under way", "payment under way"),
            (kept.payments, "payments in all", "payment in all"),
            (kept.shipments, "shipments", "shipment"),
        ]
        parts = [f"{n} {one if n == 1 else many}" for n, many, one in counted if n]
        return ", ".join(parts) or "nothing but its name"


class PluginLeftovers:
    """Looks for them, and removes them."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._traces = PluginTraces(shop.db)

    async def remember(self) -> None:
        """Write down what the enabled plugins bring, for the day on which they are gone."""
        await self._traces.remember(traces_of(self._shop))

    async def gone(self) -> list[PluginTrace]:
        """Plugins that were here and are not enabled now, by code; in safe mode nobody can tell."""
        if self._shop.plugins.safe_mode:
            return []
        enabled = self._shop.plugins.enabled
        return [trace for trace in await self._traces.all() if trace.code not in enabled]

    async def tell(self) -> None:
        """Say in the log which plugins are gone; counting is left to ``commercekit doctor``."""
        for trace in await self.gone():
            brought = trace.brought
            _log.warning(
                "plugin-gone",
                plugin=trace.code,
                distribution=f"{trace.distribution} {trace.version}",
                tables=[table for tables in brought.apps.values() for table in tables],
                fields=brought.fields,
                jobs=brought.jobs,
                providers=brought.providers,
                cure=f"install it again, or: commercekit plugins remove-data {trace.code}",
            )

    async def of(self, code: str) -> Leftovers:
        """What there is of ``code``, counted; raises :class:`~commercekit.errors.NotFound`."""
        return await self._counted(await self._trace(code))

    async def remove(
        self, code: str, actor: Principal, *, told: Callable[[str], None] = lambda _step: None
    ) -> Leftovers:
        """Remove all of it but what is kept; gives what there was. ``told`` hears of each step.

        Every step can be done again, and the plugin is forgotten in the last one: a run that is cut off
        is taken up by the next. Raises :class:`~commercekit.errors.Conflict` while the plugin is
        enabled, or while a process still serves it.
        """
        shop = self._shop
        trace = await self._trace(code)
        there = await self._counted(trace)
        await self._refuse_enabled(trace)
        brought = trace.brought
        async with shop.db.unit_of_work() as uow:
            await shop.identity.record(uow, _entry(actor, code, "begun", there))
        told("jobs and schedules")
        async with shop.db.unit_of_work() as uow:
            await remove_jobs(uow, brought.jobs, brought.schedules)
        told("deliveries and places of its consumers")
        async with shop.db.unit_of_work() as uow:
            await remove_consumers(uow, brought.consumers)
        told("indexes")
        await FieldIndexes(shop.db, shop.fields).drop_of(code)
        for entity in shop.fields.entities:
            told(f"values beside each {entity.name}")
            await remove_values(shop.db, entity, code, partial(self._shown_anew, entity.name))
        for app, tables in brought.apps.items():
            told(f"tables of {app}")
            async with shop.db.unit_of_work() as uow:
                await drop_app(uow, app, tables)
                await forget_keys(uow, tables)
        told("permissions of tokens")
        async with shop.db.unit_of_work() as uow:
            await shop.identity.take_away(uow, actor, code)
            await self._traces.forget(uow, code)
            await shop.identity.record(uow, _entry(actor, code, "done", there))
        return there

    async def _shown_anew(self, entity: str, uow: UnitOfWork, ids: Sequence[UUID]) -> None:
        """Read models hold what the rows held; they are written anew with them."""
        if entity == "variant":
            found = [await self._shop.catalog.variant(variant_id) for variant_id in ids]
            ids = sorted({variant.product_id for variant in found})
        if entity in ("product", "variant"):
            await self._shop.projection.refresh(uow, ids)

    async def _trace(self, code: str) -> PluginTrace:
        known = {trace.code: trace for trace in await self._traces.all()}
        if code not in known:
            there = ", ".join(known) or "none"
            message = f"No plugin {code[:80]!r} was ever enabled here; known are: {there}."
            raise NotFound(message)
        return known[code]

    async def _refuse_enabled(self, trace: PluginTrace) -> None:
        shop, code = self._shop, trace.code
        if shop.plugins.safe_mode:
            message = (
                "In safe mode plugins are left out for a while; start without it to remove data."
            )
            raise Conflict(message)
        if code in shop.plugins.enabled:
            message = (
                f"The plugin {code!r} is enabled; take it out of plugins.enabled or uninstall "
                f"{trace.distribution}, restart the shop, and then remove its data."
            )
            raise Conflict(message)
        served_at = (await places_of(shop.db, trace.brought.consumers)).served_at
        if served_at is not None and shop.db.clock.now() - served_at < _SERVED:
            message = (
                f"A process of this shop still serves the plugin {code!r}; restart the shop, wait two "
                "minutes, and try again."
            )
            raise Conflict(message)

    async def _counted(self, trace: PluginTrace) -> Leftovers:
        shop, brought, code = self._shop, trace.brought, trace.code
        places = await places_of(shop.db, brought.consumers)
        own = [table for tables in brought.apps.values() for table in tables]
        tables, migrations = await table_sizes(shop.db, own, list(brought.apps))
        used = await shop.payments.made_with(brought.providers.get("payment_gateways", ()))
        tokens = {
            token.handle: [s for s in token.scopes if s.startswith((f"{code}:", f"{code}-"))]
            for token in await shop.identity.tokens_holding(code)
        }
        return Leftovers(
            code=code,
            distribution=trace.distribution,
            version=trace.version,
            enabled=code in shop.plugins.enabled,
            tables=tables,
            migrations=migrations,
            values={
                entity.name: await count_values(shop.db, entity, code)
                for entity in shop.fields.entities
            },
            indexes=[
                str(row["index"])
                for row in await FieldIndexes(shop.db, shop.fields).of_plugin(code)
            ],
            jobs=await count_jobs(shop.db, brought.jobs),
            schedules=brought.schedules,
            deliveries=places.deliveries,
            positions=places.positions,
            tokens=tokens,
            settings=[f"plugins.{code}"],
            kept=Kept(
                payments=used.payments,
                open_payments=used.open,
                refunds=used.refunds,
                shipments=await shop.fulfilment.sent_with(brought.providers.get("carriers", ())),
                promotions=await shop.promotions.made_of(
                    brought.providers.get("promotion_rules", ())
                ),
            ),
        )


def _entry(actor: Principal, code: str, step: str, there: Leftovers) -> AuditEntry:
    return AuditEntry(
        actor=actor.id,
        action="plugins:remove-data",
        subject=f"plugin/{code}",
        reason=step,
        details={
            "distribution": f"{there.distribution} {there.version}",
            "tables": " ".join(table.name for table in there.tables),
            "rows": sum(table.rows for table in there.tables),
            "values": sum(there.values.values()),
        },
    )

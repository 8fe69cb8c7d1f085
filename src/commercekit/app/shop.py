"""The composition root: every service of a shop, made once and handed to whoever needs it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from commercekit import checkout, orders
from commercekit.app.basics import ensure_basics
from commercekit.app.brought import Brought
from commercekit.app.fields import doors_of
from commercekit.app.leftovers import PluginLeftovers
from commercekit.app.maintenance import maintenance
from commercekit.app.people import Purchases
from commercekit.app.personal import keep_people_in_mind
from commercekit.app.pictures import reach_by
from commercekit.app.product_import import OffersOfShop, PriceAndStock, PricesOfShop
from commercekit.app.providers import introduce, policies_of, tally_of
from commercekit.app.safe_mode import SafeMode
from commercekit.app.surface import Surface
from commercekit.app.tables import SEALED
from commercekit.app.webhooks import ShopWebhooks
from commercekit.catalog import (
    CatalogService,
    ExportProducts,
    ImportProducts,
    PictureCheck,
    ProductBulk,
)
from commercekit.checkout import CheckoutService
from commercekit.customers import CustomerService
from commercekit.fulfilment import CARRIERS, Carriers, FulfilmentService
from commercekit.fulfilment.hookspecs import register_carriers
from commercekit.identity import IdentityService
from commercekit.inventory import InventoryService
from commercekit.kernel import Clock, SystemClock
from commercekit.markets import CHANNEL as MARKETS
from commercekit.markets import Market, MarketService
from commercekit.notifications import NOTIFIERS, NotificationService
from commercekit.notifications.hookspecs import register_notifiers
from commercekit.orders import OrderService, Reviewer
from commercekit.payments import PAYMENT_GATEWAYS, Gateways, PaymentService
from commercekit.payments.hookspecs import register_payment_gateways
from commercekit.platform.bus import Broadcast, Bus, transport_of
from commercekit.platform.cache import cache_of
from commercekit.platform.db import Database
from commercekit.platform.extensions import ExtensionDoor, PluginExtensions
from commercekit.platform.http import Cursors, Idempotency, outbound_client
from commercekit.platform.jobs import Jobs
from commercekit.platform.operations import CHANNEL as PROVIDERS
from commercekit.platform.operations import PluginDesk
from commercekit.platform.plugins import PluginContext
from commercekit.platform.plugins.hookspecs import (
    register_jobs,
    register_routes,
    register_schedules,
    register_subscriptions,
)
from commercekit.platform.providers import ProviderCaller, ProviderContexts
from commercekit.platform.security import KEYS_CHANNEL, KeyRotation, KeyWatch, Reencryption, Sealer
from commercekit.platform.storage import FolderStorage
from commercekit.platform.telemetry import ShopMetrics
from commercekit.pricing import TAX_PROVIDERS, PricingService
from commercekit.pricing.hookspecs import register_tax_providers
from commercekit.promotions import PromotionService
from commercekit.storefront import CHANNEL, Freshness, Projection, StorefrontService, projectors

if TYPE_CHECKING:
    import httpx

    from commercekit.app.configuration import ShopConfiguration

__all__ = ["Shop"]

_HEARD_SECONDS = 5.0


class Shop:
    """One shop in one process. Making it connects nothing; :meth:`opened` does.

    Services are attributes, named as their domains. ``async with shop.opened():`` gives a shop that
    can be used; ``async with shop.working():`` also relays, consumes and does jobs, and
    ``shop.serving()`` is what stands behind the web.
    """

    def __init__(
        self,
        configuration: ShopConfiguration,
        dsn: str,
        *,
        clock: Clock | None = None,
        metrics: ShopMetrics | None = None,
        http: httpx.AsyncClient | None = None,
        caller: ProviderCaller | None = None,
        poll: float = 1.0,
    ) -> None:
        """``poll``: how often in seconds to look for work that other processes made.

        ``http`` replaces the client for calls to vendors; tests lead it back into the shop.

        ``caller`` replaces what calls plugins' providers; the simulator's lets something else happen
        before each call.
        """
        settings = configuration.settings
        self.configuration = configuration
        self.settings = settings
        self.plugins = configuration.plugins
        self.surface = Surface(self.plugins)
        self.fields = self.surface.fields
        self.clock = clock or SystemClock()
        self.metrics = metrics or ShopMetrics()
        self.db = Database(dsn, clock=self.clock, pool_size=settings.database.pool_size)
        self.cache = cache_of(settings.cache)
        ring = configuration.key_ring()
        self.sealer = Sealer(ring)
        self.http = http or outbound_client(reach=configuration.reach())
        transport = transport_of(self.db, settings.bus, self.sealer, poll=poll)
        self.bus = Bus(self.db, self.clock, transport=transport, poll=poll)
        self.jobs = Jobs(
            self.db,
            self.clock,
            concurrency=settings.jobs.concurrency,
            grace=settings.jobs.grace,
            lease=settings.jobs.lease,
            poll=poll,
            on_end=self.metrics.observe_job,
        )
        self.broadcast = Broadcast(self.db)
        self.idempotency = Idempotency(self.db, self.sealer)
        self.cursors = Cursors(lambda: self.sealer.derived_key("cursors"))
        self.caller = caller or ProviderCaller(policies=policies_of(settings))
        self.tally = tally_of(self.caller, self.metrics)
        self.safe_mode = SafeMode(self.plugins)
        self._contexts: dict[str, PluginContext] = {}
        self._doors: dict[str, ExtensionDoor] = {}
        self._brought = Brought(self.plugins, self.context, self.safe_mode, self.caller)
        self._brought.vaults(ring)
        self.sealed = (*SEALED, *self._brought.sealed())  # whose values can be sealed anew
        self.rotation = KeyRotation(self.db, self.sealer, self.clock)
        self.reencryption = Reencryption(self.db, self.sealer, self.clock, self.sealed)
        self._make_services()
        introduce(self.caller, self.plugins, self._brought.codes)
        self._listen()
        for sentence in self.plugins.warnings:
            structlog.get_logger("commercekit.plugins").warning("deprecated", told=sentence)

    def _make_services(self) -> None:
        """Lower layers first; each gets what it stands on and nothing else."""
        settings, db, clock = self.settings, self.db, self.clock
        base_url = settings.web.base_url
        contexts = ProviderContexts(http=self.http, clock=clock)
        safe = self.safe_mode
        notifiers = self._brought.providers(NOTIFIERS, register_notifiers)
        self.notifications = NotificationService(
            db,
            clock,
            self.jobs,
            self.caller,
            notifiers,
            self.sealer,
            safe.notifications(settings.notifications, notifiers),
            contexts,
        )
        self.identity = IdentityService(
            db,
            clock,
            self.sealer,
            jobs=self.jobs,
            mailer=self.notifications,
            base_url=base_url,
            permissions=self.surface.permissions,
            roles=self.surface.roles,
            settings=settings.identity,
            shop_name=settings.name,
        )
        self._webhooks_out = ShopWebhooks(self)
        self.webhooks = self._webhooks_out.service
        self.plugin_desk = PluginDesk(
            db, self.plugins, self.caller, self.metrics.provider_totals, self.identity
        )
        self.markets = MarketService(db, clock)
        self.customers = CustomerService(db, clock, self.sealer, self.identity)
        self.storage = self._brought.storage(
            settings.media.storage, FolderStorage(self.configuration.pictures)
        )
        self.catalog = CatalogService(db, clock, self.storage, book=self.fields)
        self.pictures = PictureCheck(db, reach_by(self.http))
        self.pricing = PricingService(
            db,
            clock,
            self.markets,
            settings=settings.pricing,
            caller=self.caller,
            tax_providers=safe.tax_providers(
                settings.pricing.tax_provider,
                self._brought.providers(TAX_PROVIDERS, register_tax_providers),
            ),
        )
        self.inventory = InventoryService(
            db,
            clock,
            markets=self.markets,
            strategy=self._brought.strategy(settings.inventory.strategy),
            split=settings.inventory.split,
            on_refusal=self.metrics.stock_oversell_attempts.inc,
            caller=self.caller,
        )
        gateways = self._brought.providers(PAYMENT_GATEWAYS, register_payment_gateways)
        self.payments = PaymentService(
            db,
            clock,
            gateways=Gateways(
                list(gateways.values()),
                safe.payments(settings.payments, gateways),
                contexts,
                self.caller,
            ),
            sealer=self.sealer,
            audit=self.identity,
            base_url=base_url,
            settings=settings.paying,
        )
        carriers = self._brought.providers(CARRIERS, register_carriers)
        self.fulfilment = FulfilmentService(
            db,
            clock,
            self.jobs,
            self.caller,
            Carriers(
                list(carriers.values()),
                safe.fulfilment(settings.fulfilment, carriers),
                contexts,
                self.caller,
            ),
            self.sealer,
            settings.fulfilment,
            public_url=base_url,
        )
        self.bulk = ProductBulk(
            db, self.catalog, PricesOfShop(self.pricing, self.markets), self.jobs
        )
        self.exports = ExportProducts(
            db,
            self.catalog,
            OffersOfShop(self.pricing, self.inventory, self.markets),
            language=settings.market.languages[0],
        )
        self.promotions = PromotionService(
            db, clock, self._brought.promotion_rules(), caller=self.caller
        )
        refund_rules = self._brought.refund_rules()
        orders_settings = safe.orders(settings.orders, {each.rule.code for each in refund_rules})
        self.orders = OrderService(
            db,
            clock,
            self.sealer,
            self.payments,
            self.inventory,
            self.fulfilment,
            orders_settings,
            reviewer=Reviewer(self.caller, refund_rules, orders_settings),
            jobs=self.jobs,
            audit=self.identity,
            book=self.fields,
        )
        self.payments.know_references(self.orders)
        self.fulfilment.know_references(self.orders)
        self.freshness = Freshness()
        self.freshness.follow(self.markets)
        self.projection = Projection(
            db, self.markets, self.catalog, self.pricing, self.inventory, self.freshness
        )
        self.storefront = StorefrontService(
            db, self.markets, self.catalog, self.projection, self.promotions, self.fields
        )
        self.checkout = CheckoutService(
            db,
            clock,
            self.sealer,
            settings=settings.checkout,
            orders_settings=settings.orders,
            markets=self.markets,
            catalog=self.catalog,
            pricing=self.pricing,
            inventory=self.inventory,
            promotions=self.promotions,
            payments=self.payments,
            fulfilment=self.fulfilment,
            orders=self.orders,
            keys=self.idempotency,
            broadcast=self.broadcast,
            bus=self.bus,
            book=self.fields,
            customers=self.customers,
        )
        self._doors.update(doors_of(self))
        keep_people_in_mind(self)
        self.purchases = Purchases(self)
        self.identity.logins.on_cart(self.purchases.claim)

    def _listen(self) -> None:
        """Who reacts to what, what is done later, and what is done again and again."""
        self.bus.subscribe(
            *projectors(self.projection, self.catalog),
            *checkout.projectors(self.checkout.shelf),
            *checkout.give_backs(self.checkout.limits),
            *orders.subscriptions(self.orders, self.notifications),
            *self._webhooks_out.subscriptions(),
            *self._from_plugins(register_subscriptions),
        )
        kinds, schedules = maintenance(self)
        services: Sequence[Any] = (
            self.notifications,
            self.identity,
            self._webhooks_out,
            self.pictures,
            self.catalog,
            self.catalog.media,
            self.bulk,
            self.pricing,
            self.payments,
            self.fulfilment,
            self.orders,
            self.storefront,
            self.checkout,
        )
        for service in services:
            kinds += service.job_kinds()
            schedules += service.schedules()
        self.jobs.register(*self.safe_mode.working(kinds), *self._from_plugins(register_jobs))
        self.jobs.schedule(*schedules, *self._from_plugins(register_schedules))
        self.broadcast.attend(KeyWatch(self.db, self.sealer).attend)
        self.broadcast.listen(KEYS_CHANNEL, lambda _epoch: self.broadcast.again())
        self.sealer.on_unknown_key = self.broadcast.again
        self.broadcast.listen(PROVIDERS, self.plugin_desk.heard)
        self.broadcast.listen(MARKETS, self.markets.heard, on_gap=self.markets.forget)
        self.broadcast.listen(CHANNEL, self.freshness.heard, on_gap=self.freshness.forget_all)

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Shop]:
        """Connect, unwrap the keys, make the default market what the settings say."""
        await self.db.open()
        try:
            await self.sealer.load(self.db, (*self.sealed, *self._brought.tables()))
            await ensure_basics(self)
            async with self.cache.running():
                yield self
        finally:
            await self.checkout.drained()
            await self.payments.drained()
            await self.identity.drained()
            await self.http.aclose()
            await self._webhooks_out.aclose()
            await self.db.close()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Shop]:
        """What a process does that answers requests: it also works, unless the settings say no."""
        background = self.settings.web.background
        async with (
            self.working(consumers=background, jobs=background),
            self.checkout.warming.running(),
        ):
            yield self

    @contextlib.asynccontextmanager
    async def working(
        self, *, consumers: bool = True, jobs: bool = True, kinds: Sequence[str] = ()
    ) -> AsyncIterator[Shop]:
        """Also hear broadcasts, relay facts, consume them and do jobs, until the block ends.

        ``kinds`` narrows down which jobs, by names or patterns.
        """
        async with (
            self.opened(),
            self._plugins_known(),
            self.broadcast.running(),
            self._heard_in_time(),
            self.bus.running() if consumers else contextlib.nullcontext(),
            self.jobs.running(kinds) if jobs else contextlib.nullcontext(),
        ):
            yield self

    def stop_working(self, *, now: bool = False) -> None:
        """Take no new fact and no new job; ``now`` also gives back what is under way."""
        self.bus.stop(now=now)
        self.jobs.stop(now=now)

    @contextlib.asynccontextmanager
    async def _heard_in_time(self) -> AsyncIterator[None]:
        """Do not begin to keep pages before changes are heard: one in between would be missed."""
        with contextlib.suppress(TimeoutError):  # serving without is better than not serving
            async with asyncio.timeout(_HEARD_SECONDS):
                await self.broadcast.wait_until_listening()
        yield

    @contextlib.asynccontextmanager
    async def _plugins_known(self) -> AsyncIterator[None]:
        """Say what is orphaned and what is not translated; neither keeps anybody from starting."""
        self.surface.tell()
        leftovers = PluginLeftovers(self)
        await leftovers.remember()
        await leftovers.tell()
        yield

    async def ready(self) -> None:
        """Raise unless the database answers."""
        await self.db.fetchval("SELECT 1")

    def importer(self, market: Market, *, restock: bool = False) -> ImportProducts:
        """Imports products with their prices and stock into ``market``.

        ``restock`` also overwrites the stock of SKUs that are known already.
        """
        sink = PriceAndStock(self.pricing, self.inventory, market, restock=restock)
        return ImportProducts(self.db, self.catalog, sink)

    def context(self, code: str) -> PluginContext:
        """The shop as the plugin ``code`` sees it; always the same object."""
        if code not in self._contexts:
            self._contexts[code] = PluginContext(
                code=code,
                settings=self.configuration.sections[code],
                db=self.db,
                clock=self.clock,
                http=self.http,
                sealer=self.sealer,
                base_url=self.settings.web.base_url,
                enqueue=self.jobs.enqueue,
                log=structlog.get_logger(f"commercekit.plugin.{code}"),
                data=self.configuration.data,
                production=self.settings.in_production,
                extensions=PluginExtensions(code, self.db, self.fields, self._doors),
                translations=self.surface.texts_of(code),
            )
        return self._contexts[code]

    def plugin_routes(self) -> dict[str, list[Any]]:
        """What each plugin wants to answer under ``/plugins/<code>``."""
        routes: dict[str, list[Any]] = {}
        for offered in self.plugins.collect(register_routes, self.context):
            routes.setdefault(offered.plugin, []).append(offered.item)
        return routes

    def _from_plugins(self, hook: Callable[..., Sequence[Any]]) -> list[Any]:
        return self._brought.items(hook)

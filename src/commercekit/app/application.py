"""The ASGI application that a server process runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import commercekit
from commercekit.app.acts import acts_of
from commercekit.app.api import AdminConsole, StoreMine
from commercekit.app.configuration import ShopConfiguration, load_configuration
from commercekit.app.limits import ShopLimits
from commercekit.app.pages import shared_pages
from commercekit.app.readiness import readiness_of
from commercekit.app.sampling import cache_tally, lane_tally, sampling
from commercekit.app.shop import Shop
from commercekit.catalog.api import controllers as catalog_controllers
from commercekit.checkout import (
    AdminOrderEdits,
    AdminPurchaseLimits,
    StoreCarts,
    StoreCheckout,
    lanes_of,
)
from commercekit.customers.api import controllers as customer_controllers
from commercekit.errors import Unavailable
from commercekit.fulfilment.api import AdminShipments
from commercekit.identity.api import CookieSessions
from commercekit.identity.api import controllers as identity_controllers
from commercekit.inventory.api import (
    AdminLocations,
    AdminStock,
    AdminStockAllocations,
    AdminStockCounts,
    AdminStockMovements,
    AdminStockTransfers,
)
from commercekit.markets.api import MarketController
from commercekit.orders import (
    AdminOrderDesk,
    AdminOrders,
    AdminRefundRequests,
    AdminReturns,
    StoreOrders,
    StoreReturns,
)
from commercekit.payments.api import (
    AdminCash,
    AdminDifferences,
    AdminDisputes,
    AdminHandIns,
    AdminLedger,
    AdminPayments,
    AdminRefunds,
    AdminStatements,
)
from commercekit.platform.bus.api import AdminEvents
from commercekit.platform.db.embedded import EmbeddedServer
from commercekit.platform.http import (
    HttpSettings,
    ReadyCheck,
    Serves,
    behind_proxies,
    current_request_id,
    networks_of,
)
from commercekit.platform.jobs.api import AdminJobKinds, AdminJobs, AdminSchedules
from commercekit.platform.operations.api import AdminPlugins
from commercekit.platform.security import ACTS, Principal
from commercekit.platform.telemetry import LoopWatchdog, configure_logging
from commercekit.platform.webhooks.api import AdminWebhooks
from commercekit.pricing.api import AdminPriceExplanations, AdminPriceLists, AdminTaxRates
from commercekit.promotions.api import AdminPromotions
from commercekit.storefront import (
    AdminSynonyms,
    StorefrontController,
    StorefrontFeeds,
    read_lane,
    read_shortcut,
)
from commercekit.web import build_web, market_lane, media_routes, picture_routes, webhook_routes

if TYPE_CHECKING:
    from litestar import Litestar

__all__ = ["attended", "build_application", "create_app", "database_of"]


@contextlib.contextmanager
def database_of(configuration: ShopConfiguration) -> Any:
    """The DSN to use: the one in the settings, or the embedded server's, started if need be."""
    dsn = configuration.settings.database.dsn
    if dsn is not None:
        yield dsn.reveal()
        return
    with EmbeddedServer(configuration.data) as server:
        server.keep_alive()
        yield server.dsn


def build_application(shop: Shop, *, on_stop: Any = None) -> Any:
    """The web of ``shop``; its lifespan opens the shop, works on its queues, and closes it."""
    settings = shop.settings
    tallies: list[Callable[[], None]] = []
    shared = shared_pages(shop)
    limits = ShopLimits(shop)
    shop.identity.guard.limits = limits

    @contextlib.asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        async with (
            shop.serving(),
            limits.running(),
            attended(shop, *tallies, sign=_sign_of(shop)),
        ):
            yield
        for tally in tallies:
            tally()
        if on_stop is not None:
            await asyncio.to_thread(on_stop)

    async def authenticate(token: str) -> Principal | None:
        principal = await shop.identity.authenticate(token)
        if principal is None:
            shop.metrics.login_fail.inc()
        return principal

    app: Any = build_web(
        controllers=[
            StorefrontController,
            StorefrontFeeds,
            AdminSynonyms,
            StoreCarts,
            StoreCheckout,
            StoreOrders,
            AdminOrders,
            AdminOrderDesk,
            AdminOrderEdits,
            AdminPurchaseLimits,
            AdminRefundRequests,
            AdminReturns,
            StoreReturns,
            AdminCash,
            AdminHandIns,
            AdminDifferences,
            AdminDisputes,
            AdminLedger,
            AdminStatements,
            AdminPayments,
            AdminRefunds,
            AdminShipments,
            AdminStock,
            AdminStockAllocations,
            AdminLocations,
            AdminStockCounts,
            AdminStockMovements,
            AdminStockTransfers,
            AdminPriceLists,
            AdminPriceExplanations,
            AdminTaxRates,
            AdminPromotions,
            MarketController,
            AdminConsole,
            AdminEvents,
            AdminJobs,
            AdminJobKinds,
            AdminSchedules,
            AdminPlugins,
            AdminWebhooks,
            *identity_controllers,
            *customer_controllers,
            StoreMine,
            *catalog_controllers,
            *media_routes(settings.web.media),
            *picture_routes(shop.storage),
            *webhook_routes(
                shop.safe_mode.receiving(
                    {
                        "payments": shop.payments.receive_webhook,
                        "carriers": shop.fulfilment.receive_webhook,
                        "notifiers": shop.notifications.receive_webhook,
                    }
                ),
                shop.clock,
                shop.metrics.count_refused_webhook,
            ),
        ],
        plugin_routes=shop.plugin_routes(),
        dependencies={
            "catalog": shop.catalog,
            "bulk": shop.bulk,
            "exports": shop.exports,
            "checkout": shop.checkout,
            "customers": shop.customers,
            "fulfilment": shop.fulfilment,
            "identity": shop.identity,
            "inventory": shop.inventory,
            "markets": shop.markets,
            "mine": shop.purchases,
            "notifications": shop.notifications,
            "orders": shop.orders,
            "payments": shop.payments,
            "pricing": shop.pricing,
            "promotions": shop.promotions,
            "storefront": shop.storefront,
            "bus": shop.bus,
            "jobs": shop.jobs,
            "plugins": shop.plugin_desk,
            "surface": shop.surface,
            "webhooks": shop.webhooks,
        },
        permissions=shop.surface.permissions,
        lifespan=[lifespan],
        authenticator=authenticate,
        state={ACTS: acts_of(shop)},
        sessions=CookieSessions(shop.identity, secure=settings.web.base_url.startswith("https://")),
        idempotency=shop.idempotency,
        lanes=lanes_of(shop.checkout),
        cursors=shop.cursors,
        settings=HttpSettings(
            allowed_hosts=settings.web.allowed_hosts,
            trusted_origins=settings.web.trusted_origins,
            is_production=settings.in_production,
            serves=settings.web.serves,
            staff_hosts=settings.web.staff_hosts,
            staff_networks=settings.web.staff_networks,
        ),
        checks={
            **readiness_of(shop),
            "staying": _staying(shop.configuration.drain_sign),
        },
        registry=shop.metrics.registry,
        shortcut=read_shortcut(shop.storefront, shop.cursors),
        gate=limits.gate,
        title=settings.name,
        version=commercekit.__version__,
    )
    front = app
    if settings.web.pages_in_memory and settings.web.serves is not Serves.STAFF:
        front = read_lane(
            app,
            shop.freshness,
            languages=settings.market.languages,
            max_pages=settings.web.pages_in_memory,
            languages_of=lambda code: (
                market.languages if (market := shop.markets.known(code)) else None
            ),
            shared=shared,
        )
        tallies.append(lane_tally(front, shop.metrics, app.edge.metrics))
    if shop.cache.is_shared:
        tallies.append(cache_tally(shop.cache, shop.metrics, shared))
    front = market_lane(front, shop.markets, edge=app)
    return behind_proxies(front, networks_of(settings.web.trusted_proxies))


@contextlib.asynccontextmanager
async def attended(
    shop: Shop, *tallies: Callable[[], None], sign: Path | None = None
) -> AsyncIterator[None]:
    """Have gauges set and the event loop watched; from the end of its start, which imports and connects.

    ``sign`` is touched while the loop runs; ``tallies`` hand over what they counted.
    """
    watchdog = LoopWatchdog(
        shop.settings.telemetry.blocked_loop,
        observe=shop.metrics.observe_block,
        stage=shop.caller.stage,
        plugins=shop.plugins.folders(),
        sign=sign,
    )
    async with sampling(shop, *tallies), watchdog:
        yield


def _staying(drain_sign: Path) -> ReadyCheck:
    """Not ready any more from the moment that the shop was told to stop, though it still answers."""

    async def check() -> None:
        if await asyncio.to_thread(drain_sign.exists):
            message = "The shop is about to stop."
            raise Unavailable(message)

    return check


def _sign_of(shop: Shop) -> Path | None:
    """The file by which the parent of a server process sees that it lives, if there is one."""
    folder = shop.configuration.data / "run" / "alive"
    return folder / str(os.getpid()) if folder.is_dir() else None


def create_app(path: Path | None = None) -> Any:
    """The factory for ASGI servers: ``granian --factory commercekit.app:create_app``.

    Reads the settings that ``COMMERCEKIT_CONFIG`` and the environment name, and starts or joins the
    embedded database if the settings name none.
    """
    configuration = load_configuration(path)
    configure_logging(configuration.settings.telemetry, request_id=current_request_id)
    stack = contextlib.ExitStack()
    dsn = stack.enter_context(database_of(configuration))
    return build_application(Shop(configuration, dsn), on_stop=stack.close)

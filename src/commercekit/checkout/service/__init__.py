"""The use cases of checkout: carts, quotes, placing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from commercekit.checkout.models import EXTENSIBLE
from commercekit.checkout.service.carts import Carts, PricedCart, basis_of
from commercekit.checkout.service.edit_order import OrderEdits
from commercekit.checkout.service.limits import PurchaseLimits
from commercekit.checkout.service.merging import CartMerging
from commercekit.checkout.service.placing import AnswerPlaced, Placed, Placing
from commercekit.checkout.service.quoting import Quoter
from commercekit.checkout.service.shelf import Shelf
from commercekit.checkout.service.warming import Warming
from commercekit.orders import EXTENSIBLE as ORDERS
from commercekit.platform.extensions import FieldBook
from commercekit.platform.jobs import JobContext, JobKind, Schedule

if TYPE_CHECKING:
    from commercekit.catalog import CatalogService
    from commercekit.checkout.models import CheckoutSettings
    from commercekit.customers import CustomerService
    from commercekit.fulfilment import FulfilmentService
    from commercekit.inventory import InventoryService
    from commercekit.kernel import Clock
    from commercekit.markets import MarketService
    from commercekit.orders import OrderService, OrdersSettings
    from commercekit.payments import PaymentService
    from commercekit.platform.bus import Broadcast, Bus
    from commercekit.platform.db import Database
    from commercekit.platform.http import Idempotency
    from commercekit.platform.security import Sealer
    from commercekit.pricing import PricingService
    from commercekit.promotions import PromotionService

__all__ = ["AnswerPlaced", "CheckoutService", "Placed", "PricedCart", "basis_of"]


class CheckoutService:
    """Carts, quotes and placing of one shop, put together."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sealer: Sealer,
        *,
        settings: CheckoutSettings,
        orders_settings: OrdersSettings,
        markets: MarketService,
        catalog: CatalogService,
        pricing: PricingService,
        inventory: InventoryService,
        promotions: PromotionService,
        payments: PaymentService,
        fulfilment: FulfilmentService,
        orders: OrderService,
        keys: Idempotency,
        broadcast: Broadcast,
        bus: Bus,
        book: FieldBook | None = None,
        customers: CustomerService | None = None,
    ) -> None:
        """``book`` has the fields that plugins add, ``customers`` knows who is in which segment."""
        self.markets = markets
        self.orders = orders
        self.shelf = Shelf(broadcast, markets, catalog, pricing, inventory, promotions)
        self.warming = Warming(broadcast, markets, catalog, self.shelf)
        self.quoter = Quoter(clock, markets, self.shelf, fulfilment, customers)
        self.limits = PurchaseLimits(db, clock, catalog, orders, broadcast)
        self.carts = Carts(
            db,
            clock,
            sealer,
            settings,
            markets,
            payments,
            self.quoter,
            self.limits,
            (book or FieldBook((*EXTENSIBLE, *ORDERS))).of("cart"),
        )
        self.merging = CartMerging(db, clock, sealer, settings, markets, inventory, self.carts)
        self.placing = Placing(
            db, clock, keys, orders_settings, inventory, payments, orders, self.quoter, bus
        )
        self.edits = OrderEdits(clock, markets, catalog, pricing, orders, self.quoter)

    async def drained(self) -> None:
        """Return once no order and no cart is being written; before the database is closed."""
        await self.placing.drained()
        await self.carts.drained()

    def job_kinds(self) -> Sequence[JobKind]:
        """What the job runner needs to know."""

        async def forget_carts(_context: JobContext) -> None:
            while await self.carts.forget_expired():
                pass

        return [JobKind("checkout.forget-carts", forget_carts)]

    @staticmethod
    def schedules() -> Sequence[Schedule]:
        """How often carts whose time is over are looked for."""
        return [
            Schedule("checkout.forget-carts", every=timedelta(hours=1), job="checkout.forget-carts")
        ]

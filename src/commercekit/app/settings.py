"""The one typed tree of a shop's settings."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from commercekit.checkout import CheckoutSettings
from commercekit.fulfilment import FulfilmentSettings
from commercekit.identity import IdentitySettings
from commercekit.inventory import InventorySettings
from commercekit.notifications import NotificationSettings
from commercekit.orders import OrdersSettings
from commercekit.payments import PaymentsSettings
from commercekit.platform.bus import BusSettings
from commercekit.platform.cache import CacheSettings
from commercekit.platform.http import Serves
from commercekit.platform.jobs import JobsSettings
from commercekit.platform.limits import LimitsSettings
from commercekit.platform.plugins import PluginPolicy
from commercekit.platform.providers import KindSettings
from commercekit.platform.settings import Secret
from commercekit.platform.telemetry import TelemetrySettings
from commercekit.platform.webhooks import WebhookSettings
from commercekit.pricing import PricingSettings

__all__ = [
    "DatabaseSettings",
    "DemoSettings",
    "Environment",
    "MarketSettings",
    "MediaSettings",
    "SecuritySettings",
    "ShopSettings",
    "TaxSettings",
    "WebSettings",
]


class Environment(StrEnum):
    """What a shop is for; production refuses what development makes up."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class DatabaseSettings(Struct, frozen=True, kw_only=True):
    """Where the shop's PostgreSQL is."""

    dsn: Annotated[
        Secret | None,
        Meta(
            description="postgresql://… of a server, version 15 or later; without it the embedded one."
        ),
    ] = None
    pool_size: Annotated[
        int, Meta(ge=2, le=50, description="Connections of each process; small pools are faster.")
    ] = 5


class WebSettings(Struct, frozen=True, kw_only=True):
    """How the shop is reached."""

    base_url: Annotated[
        str,
        Meta(
            pattern=r"^https?://[^\s/?#]+$",
            description="The outside address, without a slash at the end; links and webhooks use it.",
        ),
    ] = "http://127.0.0.1:8000"
    allowed_hosts: Annotated[
        tuple[str, ...], Meta(description="Host names that reach this shop; empty: any.")
    ] = ()
    trusted_origins: Annotated[
        tuple[str, ...],
        Meta(description="Origins besides the shop's own that browsers may send changes from."),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses and networks of balancers whose X-Forwarded-For is believed; empty: "
            "nobody's."
        ),
    ] = ()
    serves: Annotated[
        Serves,
        Meta(
            description="`store` and `staff` answer only their half, so that staff can have a port and a "
            "network of their own: run the shop twice."
        ),
    ] = Serves.EVERYTHING
    staff_hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="Host names under which /admin, /docs and /metrics are there; empty: all."
        ),
    ] = ()
    staff_networks: Annotated[
        tuple[str, ...],
        Meta(
            description="Networks such as 10.0.0.0/8 from which /admin, /docs and /metrics are there; "
            "empty: anywhere."
        ),
    ] = ()
    processes: Annotated[int, Meta(ge=1, le=64, description="Server processes.")] = 2
    background: Annotated[
        bool,
        Meta(
            description="Whether the server processes also deliver facts and do jobs; false where "
            "`commercekit worker` does."
        ),
    ] = True
    drain: Annotated[
        timedelta,
        Meta(
            description="How long after SIGTERM /readyz says 503 before the shop stops, so that a balancer "
            "sends it nothing any more; longer than its checks take to notice. 0s: stop at once."
        ),
    ] = timedelta(0)
    media: Annotated[
        Path | None, Meta(description="A folder of pictures, served under /media.")
    ] = None
    pages_in_memory: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="Public pages that each process keeps ready; 0: every read asks the database.",
        ),
    ] = 5000


class MediaSettings(Struct, frozen=True, kw_only=True):
    """Uploaded pictures."""

    storage: Annotated[
        str,
        Meta(
            pattern="^[a-z][a-z0-9-]{0,62}$",
            description="Where they lie: `folder`, or the code of a plugin's.",
        ),
    ] = "folder"
    folder: Annotated[
        Path | None,
        Meta(
            description="The folder of `folder`, else `pictures` in the data folder; several nodes share "
            "one."
        ),
    ] = None


class MarketSettings(Struct, frozen=True, kw_only=True):
    """The default market."""

    code: Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{0,62}$")] = "default"
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217, such as CNY.")] = (
        "CNY"
    )
    languages: Annotated[
        tuple[str, ...], Meta(min_length=1, description="The first is the fallback.")
    ] = ("en", "zh")
    countries: Annotated[
        tuple[str, ...], Meta(description="Where it sells; the first says which tax is shown.")
    ] = ("CN",)
    prices_include_tax: bool = True


class TaxSettings(Struct, frozen=True, kw_only=True):
    """One tax rate that is set up when the shop starts and has none like it."""

    tax_class: str = "standard"
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")]
    rate_ppm: Annotated[int, Meta(ge=0, le=1_000_000, description="130000 is 13 %.")]
    name: dict[str, str] = field(default_factory=dict)


class SecuritySettings(Struct, frozen=True, kw_only=True):
    """Keys of the shop."""

    master_key: Annotated[
        Secret | None,
        Meta(
            description="32 bytes in base64 that wrap every other key; without it a development shop "
            "makes one in its data folder."
        ),
    ] = None
    former_master_keys: Annotated[
        tuple[Secret, ...],
        Meta(
            description="Master keys that may have wrapped data keys before: needed until "
            "`commercekit keys rotate` has run."
        ),
    ] = ()
    vault: Annotated[
        str | None,
        Meta(
            max_length=63,
            pattern="^[a-z0-9][a-z0-9-]*$",
            description="The vault of a plugin that holds the master key, instead of `master_key`.",
            examples=["acme-kms"],
        ),
    ] = None
    vault_key: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=500,
            description="What the master key is called there.",
            examples=["alias/shop"],
        ),
    ] = "commercekit"
    outbound_hosts: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^(\*\.)?([A-Za-z0-9_-]+\.)*[A-Za-z0-9-]+$")], ...],
        Meta(
            description="The only hosts that the shop and its plugins call, webhook endpoints among them: "
            "names, `*.example.com` for all below one. Empty: any that is public.",
            examples=[["api.vendor.example", "*.carrier.example"]],
        ),
    ] = ()


class DemoSettings(Struct, frozen=True, kw_only=True):
    """What an empty development shop is filled with."""

    products: Annotated[
        Path | None, Meta(description="A product file in the format that Shopify exports.")
    ] = None
    promotions: Annotated[
        tuple[dict[str, object], ...],
        Meta(description="Promotions to set up, each as POST /admin/promotions takes them."),
    ] = ()


class ShopSettings(Struct, frozen=True, kw_only=True):
    """A shop. Relative paths are relative to the folder of the file."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] = "CommerceKit"
    environment: Environment = Environment.DEVELOPMENT
    data: Annotated[
        Path, Meta(description="Folder of the embedded database, keys, media and messages.")
    ] = Path(".data")
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    bus: BusSettings = field(default_factory=BusSettings)
    web: WebSettings = field(default_factory=WebSettings)
    media: MediaSettings = field(default_factory=MediaSettings)
    market: MarketSettings = field(default_factory=MarketSettings)
    taxes: tuple[TaxSettings, ...] = ()
    security: SecuritySettings = field(default_factory=SecuritySettings)
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    inventory: InventorySettings = field(default_factory=InventorySettings)
    pricing: PricingSettings = field(default_factory=PricingSettings)
    payments: PaymentsSettings = field(default_factory=PaymentsSettings)
    fulfilment: FulfilmentSettings = field(default_factory=FulfilmentSettings)
    notifications: NotificationSettings = field(default_factory=NotificationSettings)
    orders: OrdersSettings = field(default_factory=OrdersSettings)
    checkout: CheckoutSettings = field(default_factory=CheckoutSettings)
    jobs: JobsSettings = field(default_factory=JobsSettings)
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    limits: LimitsSettings = field(default_factory=LimitsSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    plugins: PluginPolicy = field(default_factory=PluginPolicy)
    providers: Annotated[
        dict[str, KindSettings],
        Meta(
            description="What happens when a provider fails, by its kind: payments, fulfilment, "
            "promotion-rule, tax, notifications, allocation, refund-rule, storage. Deadlines, retries, "
            "failure policy and circuit breaker have sensible values without a word here."
        ),
    ] = field(default_factory=dict)
    demo: DemoSettings = field(default_factory=DemoSettings)
    fakes: Annotated[
        tuple[str, ...],
        Meta(
            description="Vendors that commercekit run plays beside a development shop, by the names of "
            "their commands: their accounts and ways to pay need no further word."
        ),
    ] = ()

    @property
    def paying(self) -> PaymentsSettings:
        """How the shop is paid; in production shoppers come back to hosts of its own only."""
        if not self.in_production:
            return self.payments
        own = (self.web.base_url, *self.web.trusted_origins)
        hosts = {urlsplit(address).hostname or "" for address in own}
        hosts |= {host.strip("[]") for host in self.web.allowed_hosts}
        hosts |= {*self.payments.return_hosts}
        return replace(self.payments, return_hosts=tuple(sorted(hosts - {""})))

    @property
    def in_production(self) -> bool:
        """Whether made-up keys and every installed plugin are out of the question."""
        return self.environment is Environment.PRODUCTION

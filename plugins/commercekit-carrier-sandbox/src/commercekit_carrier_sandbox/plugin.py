"""What the plugin brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from commercekit import hookimpl
from commercekit.fulfilment import Carrier
from commercekit.platform.jobs import JobKind
from commercekit.platform.plugins import PluginContext
from commercekit_carrier_sandbox.api import routes
from commercekit_carrier_sandbox.carrier import SandboxCarrier
from commercekit_carrier_sandbox.depot import Depot
from commercekit_carrier_sandbox.settings import Settings


@hookimpl
def register_settings() -> type[Struct]:
    """``[plugins.carrier-sandbox]``."""
    return Settings


@hookimpl
def register_piccolo_apps() -> Sequence[str]:
    """Parcels and scans."""
    return ["commercekit_carrier_sandbox.piccolo_app"]


@hookimpl
def register_carriers(ctx: PluginContext) -> Sequence[Carrier]:
    """One carrier, ``sandbox``."""
    return [SandboxCarrier(Depot(ctx))]


@hookimpl
def register_jobs(ctx: PluginContext) -> Sequence[JobKind]:
    """Notifications that the shop did not take at once."""
    return Depot(ctx).job_kinds()


@hookimpl
def register_routes(ctx: PluginContext) -> Sequence[Any]:
    """Look at a parcel, and let its script go on."""
    return routes(Depot(ctx))

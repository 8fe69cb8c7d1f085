"""Plug the sandbox gateway into a shop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from commercekit.errors import ConfigurationError
from commercekit.payments import PaymentGateway
from commercekit.platform.jobs import JobKind
from commercekit.platform.plugins import PluginContext, hookimpl
from commercekit_payment_sandbox.api import routes
from commercekit_payment_sandbox.bank import Bank
from commercekit_payment_sandbox.delivery import Courier
from commercekit_payment_sandbox.gateway import SandboxGateway
from commercekit_payment_sandbox.lies import Liar
from commercekit_payment_sandbox.lying import LyingGateway
from commercekit_payment_sandbox.settings import Settings


@hookimpl
def register_settings() -> type[Struct]:
    """Where the secret stands, and how slow the slow things are."""
    return Settings


@hookimpl
def register_piccolo_apps() -> Sequence[str]:
    """The sandbox keeps books of its own, as a provider does."""
    return ["commercekit_payment_sandbox.piccolo_app"]


@hookimpl
def register_payment_gateways(ctx: PluginContext) -> Sequence[PaymentGateway]:
    """One gateway, ``sandbox``; with a seed for lies, one that cannot be trusted."""
    if ctx.production and not ctx.section(Settings).allow_in_production:
        message = (
            "plugins.payment-sandbox takes no money: whoever asks gets the goods for nothing. Take it out of"
            " plugins.enabled, or set plugins.payment-sandbox.allow_in_production for a rehearsal"
        )
        raise ConfigurationError(message)
    if ctx.section(Settings).lies.seed is None:
        return [SandboxGateway(Bank(ctx))]
    if ctx.production:
        message = "plugins.payment-sandbox.lies is for simulations, never for a shop in production"
        raise ConfigurationError(message)
    return [LyingGateway(_bank(ctx, "gateway"))]


@hookimpl
def register_routes(ctx: PluginContext) -> Sequence[Any]:
    """The payment page."""
    bank = _bank(ctx, "page")
    return routes(ctx, bank, Courier(ctx, bank))


@hookimpl
def register_jobs(ctx: PluginContext) -> Sequence[JobKind]:
    """Delivering notifications, and what happens a while later."""
    return Courier(ctx, _bank(ctx, "jobs")).job_kinds()


def _bank(ctx: PluginContext, place: str) -> Bank:
    return Bank(ctx, Liar(ctx.section(Settings).lies, place))

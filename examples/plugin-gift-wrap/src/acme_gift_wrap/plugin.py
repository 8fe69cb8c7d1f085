"""Plug gift wrapping into a shop: everything that a plugin can bring beside providers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from acme_gift_wrap.api import routes
from acme_gift_wrap.commands import gift_papers
from acme_gift_wrap.desk import CHECK, Desk, WrapJob
from acme_gift_wrap.fields import FIELDS
from acme_gift_wrap.settings import Settings
from commercekit import PluginContext, hookimpl
from commercekit.orders import OrderPaid
from commercekit.platform.bus import Subscription
from commercekit.platform.extensions import ExtensionField
from commercekit.platform.jobs import JobKind, Schedule
from commercekit.platform.plugins import ConsolePage
from commercekit.platform.security import Permission


@hookimpl
def register_settings() -> type[Struct]:
    """``[plugins.gift-wrap]``."""
    return Settings


@hookimpl
def register_piccolo_apps() -> Sequence[str]:
    """Tables of its own."""
    return ["acme_gift_wrap.piccolo_app"]


@hookimpl
def register_extension_fields() -> Sequence[ExtensionField]:
    """Fields on what the core has."""
    return FIELDS


@hookimpl
def register_permissions() -> Sequence[Permission]:
    """What a member of staff may be allowed."""
    return [
        Permission("gift-wrap:read", {"en": "See what is to be wrapped", "zh": "查看待包装订单"}),
        Permission("gift-wrap:write", {"en": "Mark orders as wrapped", "zh": "标记订单已包装"}),
    ]


@hookimpl
def register_console_pages() -> Sequence[ConsolePage]:
    """A page for the wrapping desk."""
    return [
        ConsolePage(
            path="wraps",
            title={"en": "Gift wrapping", "zh": "礼品包装"},
            icon="gift",
            section="orders",
            permission="gift-wrap:read",
            asset="console.js",
        )
    ]


@hookimpl
def register_translations() -> Sequence[Path]:
    """Names of papers."""
    return [Path(__file__).parent / "locales"]


@hookimpl
def register_commands() -> Sequence[click.Command]:
    """``commercekit gift-papers``."""
    return [gift_papers]


@hookimpl
def register_routes(ctx: PluginContext) -> Sequence[Any]:
    """``/plugins/gift-wrap/…``."""
    return routes(ctx, _desk(ctx))


@hookimpl
def register_subscriptions(ctx: PluginContext) -> Sequence[Subscription]:
    """A paid order with a paper goes to the desk."""
    return [Subscription("gift-wrap.desk", OrderPaid, _desk(ctx).ask)]


@hookimpl
def register_jobs(ctx: PluginContext) -> Sequence[JobKind]:
    """Look after the paper, and after the list."""
    desk = _desk(ctx)
    return [
        JobKind(CHECK, desk.check_paper, payload=WrapJob),
        JobKind("gift-wrap.tidy", desk.tidy),
    ]


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    """Once a day."""
    return [Schedule("gift-wrap.tidy", every=timedelta(days=1), job="gift-wrap.tidy")]


def _desk(ctx: PluginContext) -> Desk:
    return Desk(ctx, ctx.section(Settings))

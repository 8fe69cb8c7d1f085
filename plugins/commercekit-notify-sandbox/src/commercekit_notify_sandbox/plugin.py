"""What the plugin brings."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from commercekit import hookimpl
from commercekit.notifications import Notifier
from commercekit.platform.plugins import PluginContext
from commercekit_notify_sandbox.notifier import SandboxNotifier
from commercekit_notify_sandbox.settings import Settings


@hookimpl
def register_settings() -> type[Struct]:
    """``[plugins.notify-sandbox]``."""
    return Settings


@hookimpl
def register_notifiers(ctx: PluginContext) -> Sequence[Notifier]:
    """One notifier, ``sandbox``, for every channel."""
    return [SandboxNotifier(ctx.section(Settings), ctx.data)]

"""Where plugins bring ways to reach people in."""

from collections.abc import Sequence

from commercekit.notifications.providers import Notifier
from commercekit.platform.plugins import PluginContext, hookspec, since

__all__ = ["register_notifiers"]


@since("0.1")
@hookspec
def register_notifiers(ctx: PluginContext) -> Sequence[Notifier]:
    """Offer notifiers to the shop.

    Called once, at start-up. All results are collected; two notifiers with one ``code`` stop the start
    with ``DuplicateProvider``. Settings of accounts are decoded by the core, into each notifier's
    ``config_type``; without an entry in ``[notifications.routes]`` the first notifier, by code, that
    can carry a channel gets its messages.

    :param ctx: the plugin's settings, the database, the outside address, and what else it needs.
    :returns: ready notifiers; an empty sequence if the plugin is switched off.
    """
    return ()

"""Where plugins bring carriers in."""

from collections.abc import Sequence

from commercekit.fulfilment.providers import Carrier
from commercekit.platform.plugins import PluginContext, hookspec, since

__all__ = ["register_carriers"]


@since("0.1")
@hookspec
def register_carriers(ctx: PluginContext) -> Sequence[Carrier]:
    """Offer carriers to the shop.

    Called once, at start-up. All results are collected and their order carries no meaning; two carriers
    with one ``code`` stop the start with ``DuplicateProvider``. Settings of accounts are decoded by the
    core, into each carrier's ``config_type``.

    :param ctx: the plugin's settings, the database, the outside address, and what else it needs.
    :returns: ready carriers; an empty sequence if the plugin is switched off.
    """
    return ()

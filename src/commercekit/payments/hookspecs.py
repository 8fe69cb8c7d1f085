"""Where plugins bring payment gateways in."""

from collections.abc import Sequence

from commercekit.payments.providers import PaymentGateway
from commercekit.platform.plugins import PluginContext, hookspec, since

__all__ = ["register_payment_gateways"]


@since("0.1")
@hookspec
def register_payment_gateways(ctx: PluginContext) -> Sequence[PaymentGateway]:
    """Offer payment gateways to the shop.

    Called once, at start-up. All results are collected and their order carries no meaning; two
    gateways with one ``code`` stop the start with ``DuplicateProvider``. Settings of merchant accounts
    are decoded by the core, into each gateway's ``config_type``.

    :param ctx: the plugin's settings, the database, the outside address, and what else it needs.
    :returns: ready gateways; an empty sequence if the plugin is switched off.
    """
    return ()

"""Where plugins bring tax rates in."""

from collections.abc import Sequence

from commercekit.platform.plugins import PluginContext, hookspec, since
from commercekit.pricing.providers import TaxProvider

__all__ = ["register_tax_providers"]


@since("0.1")
@hookspec
def register_tax_providers(ctx: PluginContext) -> Sequence[TaxProvider]:
    """Offer sources of tax rates, of which ``[pricing] tax_provider`` names the one that counts.

    Called once, at start-up. All results are collected and their order carries no meaning; two providers
    with one ``code`` stop the start with ``DuplicateProvider``.

    :param ctx: the plugin's settings, an HTTP client, and what else it needs; leave it out if unused.
    :returns: ready providers; an empty sequence if the plugin is switched off.
    """
    return ()

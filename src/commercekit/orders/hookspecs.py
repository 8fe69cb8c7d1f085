"""Where plugins bring refund rules in."""

from collections.abc import Sequence

from commercekit.orders.providers import RefundRule
from commercekit.platform.plugins import PluginContext, hookspec, since

__all__ = ["register_refund_rules"]


@since("0.1")
@hookspec
def register_refund_rules(ctx: PluginContext) -> Sequence[RefundRule]:
    """Offer rules that review refund requests and returns before a person has to.

    Called once, at start-up. All results are collected and their order carries no meaning: the
    settings and each rule's ``rank`` say who is asked first. Two rules with one ``code`` stop the
    start with ``DuplicateProvider``.

    :param ctx: the plugin's settings, the database, and what else it needs; leave it out if unused.
    :returns: rules, each without state; an empty sequence if the plugin is switched off.
    """
    return ()

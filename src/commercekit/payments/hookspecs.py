"""Where plugins bring payment gateways in."""

from collections.abc import Sequence

from commercekit.payments.providers import PaymentGateway
from commercekit.platform.plugins import hookspec

__all__ = ["register_payment_gateways"]


@hookspec
def register_payment_gateways() -> Sequence[PaymentGateway]:  # type: ignore[empty-body]  # a specification
    """Offer payment gateways to the shop.

    Called once, at start-up. All results are collected and their order carries no meaning; two
    gateways with one ``code`` stop the start with ``DuplicateProvider``.

    :returns: ready gateways; an empty sequence if the plugin is switched off.
    """

"""What a shop may set."""

from typing import Annotated

from msgspec import Meta, Struct

from commercekit.platform.settings import Secret

__all__ = ["Account", "Settings"]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.carrier-sandbox]``."""

    secret: Annotated[
        Secret | None,
        Meta(
            description="Signs notifications. Without it, one is derived from the shop's master key."
        ),
    ] = None
    previous_secret: Annotated[
        Secret | None,
        Meta(description="Still accepted on notifications while secret is being changed."),
    ] = None


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[fulfilment.accounts.sandbox.<account>]``."""

    standard: Annotated[
        int,
        Meta(ge=0, description="Price of the service standard, in minor units of any currency."),
    ] = 800
    express: Annotated[
        int, Meta(ge=0, description="Price of the service express, in minor units of any currency.")
    ] = 1800

"""What a shop may set."""

from typing import Annotated

from msgspec import Meta, Struct

from commercekit.platform.settings import Secret

__all__ = ["Account", "Settings"]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.payment-sandbox]``."""

    secret: Annotated[
        Secret | None,
        Meta(
            description="Signs links and notifications. Without it, one is derived from the shop's "
            "master key."
        ),
    ] = None
    previous_secret: Annotated[
        Secret | None,
        Meta(description="Still accepted on notifications while secret is being changed."),
    ] = None
    settle_seconds: Annotated[
        float,
        Meta(ge=0, le=3600, description="How long what happens later takes, such as a slow bank."),
    ] = 3.0


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[payments.accounts.sandbox.<account>]``: nothing to set; each account has keys of its own."""

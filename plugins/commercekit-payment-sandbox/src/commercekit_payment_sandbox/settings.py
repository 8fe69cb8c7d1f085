"""What a shop may set."""

from typing import Annotated

from msgspec import Meta, Struct, field

from commercekit.platform.settings import Secret
from commercekit_payment_sandbox.scenarios import Lie

__all__ = ["Account", "Lies", "Settings"]

_Share = Annotated[float, Meta(ge=0, le=1)]


class Lies(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.payment-sandbox.lies]``: a gateway that cannot be trusted, for simulations."""

    seed: Annotated[
        int | None,
        Meta(description="Lie, always the same way for the same seed. Without it nothing is lied."),
    ] = None
    share: Annotated[
        float, Meta(ge=0, le=1, description="How often each kind of lie is told when it could be.")
    ] = 0.1
    shares: Annotated[
        dict[Lie, _Share], Meta(description="The same for single kinds, such as drop = 0.5.")
    ] = field(default_factory=dict)
    late_seconds: Annotated[
        float, Meta(ge=0, le=86400, description="What is late is late by at most this.")
    ] = 120.0

    def rate(self, lie: Lie) -> float:
        """How often ``lie`` is told when it could be."""
        return self.shares.get(lie, self.share)


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
    fee_ppm: Annotated[
        int,
        Meta(
            ge=0, le=100_000, description="What its statement says a payment costs, in millionths."
        ),
    ] = 6_000
    allow_in_production: Annotated[
        bool,
        Meta(
            description="Let shoppers of a production shop pay without money: for a rehearsal that nobody "
            "outside can reach."
        ),
    ] = False
    lies: Lies = Lies()


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[payments.accounts.sandbox.<account>]``: nothing to set; each account has keys of its own."""

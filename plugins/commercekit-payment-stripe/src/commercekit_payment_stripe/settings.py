"""What a shop sets for an account. Wrong settings stop the start, all of them at once."""

from typing import Annotated

from msgspec import Meta, Struct, field

from commercekit.platform.settings import Secret

__all__ = ["Account"]


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[payments.accounts.stripe.<account>]``."""

    api_key: Annotated[
        Secret,
        Meta(
            description="The account's secret key (sk_…), or better a restricted one (rk_…) with the "
            "permissions that the README names."
        ),
    ]
    webhook_secret: Annotated[
        Secret, Meta(description="The signing secret (whsec_…) of the webhook endpoint.")
    ]
    previous_webhook_secret: Annotated[
        Secret | None,
        Meta(description="Still accepted while the endpoint's secret is rolled."),
    ] = None
    publishable_key: Annotated[
        str | None,
        Meta(
            pattern="^pk_[!-~]+$",
            description="Handed to the storefront by the flow client_secret, which needs it: pk_….",
        ),
    ] = None
    connected_account: Annotated[
        str | None,
        Meta(
            pattern="^acct_[0-9A-Za-z]+$",
            description="Act for this account of a Connect platform: acct_…. Events of others are refused.",
        ),
    ] = None
    allowed_payment_method_types: Annotated[
        list[Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$")]],
        Meta(
            description="Offer these only, such as card and alipay. Without any, what the account's "
            "dashboard has switched on."
        ),
    ] = field(default_factory=list)
    endpoint: Annotated[
        str,
        Meta(
            pattern=r"^(https://[a-z0-9.-]+|http://(127\.0\.0\.1|localhost|\[::1\]))(:[0-9]{1,5})?$",
            description="Where the vendor's interface is. Another one is for trying the shop with the fake; "
            "without TLS on this machine only.",
        ),
    ] = "https://api.stripe.com"

"""What a shop sets for an account. Wrong settings stop the start, all of them at once."""

from typing import Annotated

from msgspec import Meta, Struct, field

from commercekit.platform.settings import Secret

__all__ = ["Account", "Template"]


class Template(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of the vendor's templates says what one of the shop's messages says."""

    code: Annotated[
        str, Meta(pattern="^SMS_[0-9]+$", description="As the console names it: SMS_123456789.")
    ]
    params: Annotated[
        dict[str, str],
        Meta(
            description="The template's variables and which of the message's parameters fill them; "
            "text is the whole text. Nothing else is told to the vendor."
        ),
    ] = field(default_factory=dict)


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[notifications.accounts.aliyun-sms.<account>]``."""

    access_key_id: Annotated[
        str, Meta(pattern="^[!-~]+$", description="Of a RAM user that may only send messages.")
    ]
    access_key_secret: Annotated[Secret, Meta(description="What belongs to the id.")]
    sign_name: Annotated[
        str, Meta(min_length=1, max_length=50, description="The approved signature, without 【】.")
    ]
    templates: Annotated[
        dict[str, Template],
        Meta(
            description="By the shop's name for the message, login-code; in a language of its own "
            "login-code.en. What is not here is not sent."
        ),
    ] = field(default_factory=dict)
    receipt_secret: Annotated[
        Secret | None,
        Meta(
            description="Ends the address that receipts are pushed to: the vendor signs none. "
            "Without it there are no receipts."
        ),
    ] = None
    endpoint: Annotated[
        str,
        Meta(pattern="^[a-z0-9.-]+$", description="The vendor's host; other regions have another."),
    ] = "dysmsapi.aliyuncs.com"

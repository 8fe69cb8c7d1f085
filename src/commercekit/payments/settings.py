"""The section ``[payments]`` of a shop's settings."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct, field

from commercekit.payments.providers import CaptureMode, Flow
from commercekit.platform.settings import Section

__all__ = ["MethodSettings", "PaymentsSettings"]


class MethodSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to pay, as the shopper meets it."""

    gateway: Annotated[str, Meta(description="Code of an installed gateway, such as sandbox.")]
    account: Annotated[
        str, Meta(description="Which of the gateway's merchant accounts takes the money.")
    ] = "default"
    label: Annotated[
        dict[str, str], Meta(description='What shoppers read, by language: { en = "…", zh = "…" }.')
    ] = field(default_factory=dict)
    capture: Annotated[
        CaptureMode, Meta(description="Take the money at once, or hold it until staff capture it.")
    ] = CaptureMode.AUTO
    flow: Annotated[
        Flow | None, Meta(description="How the shopper pays; without it the gateway's first.")
    ] = None
    currencies: Annotated[
        list[str] | None, Meta(description="Offered for these only; without it for all.")
    ] = None
    min_amount: Annotated[
        int | None, Meta(ge=1, description="Offered from this total on, in minor units.")
    ] = None
    max_amount: Annotated[
        int | None, Meta(ge=1, description="Offered up to this total, in minor units.")
    ] = None


class PaymentsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this shop is paid."""

    methods: Annotated[
        dict[str, MethodSettings],
        Meta(
            description="Ways to pay, in the order shown. Without any, every gateway whose "
            "default account needs no settings is offered."
        ),
    ] = field(default_factory=dict)
    accounts: Annotated[
        dict[str, dict[str, Section]],
        Meta(
            description="Merchant accounts: [payments.accounts.<gateway>.<account>], each with the "
            "gateway's own settings."
        ),
    ] = field(default_factory=dict)
    return_hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="Hosts that a shopper may be sent back to after paying, such as that of a "
            "storefront of its own. In production those of web.base_url, web.allowed_hosts and "
            "web.trusted_origins are always among them; elsewhere an empty list lets any pass.",
            examples=[["www.shop.example"]],
        ),
    ] = ()
    alarm_after: Annotated[
        timedelta,
        Meta(
            description="A gateway that has not said for so long what became of a payment or refund "
            "is an alarm."
        ),
    ] = timedelta(hours=1)
    refund_alarm_after: Annotated[
        timedelta,
        Meta(description="A refund that the gateway took and has not settled for so long is one."),
    ] = timedelta(days=7)
    dispute_alarm_before: Annotated[
        timedelta,
        Meta(
            description="A dispute that nobody has answered at the provider so long before it can no "
            "longer be answered is an alarm."
        ),
    ] = timedelta(days=3)
    shared_accounts: Annotated[
        list[str],
        Meta(
            description="Merchant accounts, as gateway/account, that other systems use too: lines of "
            "their statements that name nothing of this shop are theirs, and no difference."
        ),
    ] = field(default_factory=list)
    statement_alarm_after: Annotated[
        timedelta,
        Meta(description="A statement that cannot be had so long after it was due is an alarm."),
    ] = timedelta(days=2)

"""What a shop may set."""

from typing import Annotated

from msgspec import Meta, Struct, field

__all__ = ["Account"]


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[payments.accounts.cod.default]``."""

    instructions: Annotated[
        dict[str, str],
        Meta(description='What the shopper reads after ordering, by language: { en = "…" }.'),
    ] = field(
        default_factory=lambda: {
            "en": "You pay the courier when your order is delivered.",
            "zh": "货到付款：收到商品时请将货款交给配送员。",
        }
    )

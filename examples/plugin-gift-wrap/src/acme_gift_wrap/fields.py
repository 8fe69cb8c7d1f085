"""What the plugin adds to products, variants, carts and orders."""

from datetime import datetime
from typing import Literal

from commercekit.platform.extensions import Audience, ExtensionField, Writer

__all__ = ["FIELDS", "PAPERS"]

Paper = Literal["none", "plain", "stars"]
PAPERS = ("plain", "stars")

FIELDS = [
    ExtensionField(
        entity="product",
        name="wrappable",
        type=bool,
        label={"en": "Can be gift-wrapped", "zh": "可礼品包装"},
        default=True,
        indexed=True,
        visible=Audience.STORE,
    ),
    ExtensionField(
        entity="variant",
        name="sheets",
        type=int,
        label={"en": "Sheets of paper it takes", "zh": "所需包装纸张数"},
        default=1,
    ),
    ExtensionField(
        entity="cart",
        name="paper",
        type=Paper,
        label={"en": "Gift paper", "zh": "礼品纸"},
        default="none",
        indexed=True,
        visible=Audience.STORE,
        writable=Writer.STORE,
    ),
    ExtensionField(
        entity="order",
        name="wrapped_at",
        type=datetime,
        label={"en": "Wrapped at", "zh": "包装时间"},
        visible=Audience.STORE,
        writable=Writer.PLUGIN,
    ),
]

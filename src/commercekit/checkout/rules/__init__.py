"""How a price comes about, and what is said about it, as pure functions."""

from commercekit.checkout.rules.lines import (
    PlainLine,
    Priced,
    basket_of,
    merge_line,
    plain_line,
)
from commercekit.checkout.rules.quote import build_quote, plain_quote
from commercekit.checkout.rules.words import limit_message, message, stock_messages

__all__ = [
    "PlainLine",
    "Priced",
    "basket_of",
    "build_quote",
    "limit_message",
    "merge_line",
    "message",
    "plain_line",
    "plain_quote",
    "stock_messages",
]

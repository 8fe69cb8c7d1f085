"""The rules of sources of tax rates by name, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from commercekit.testing.conformance.called import CALLED_RULES

__all__ = ["TAX_PROVIDER_RULES"]

TAX_PROVIDER_RULES: Final[Mapping[str, str]] = {
    "declares-itself": "the settings name it by its code",
    "knows-its-destinations": "destinations that are taxed nowhere show nothing about the rates",
    "answers-with-components": "an answer of another make counts as none, and the quote is refused",
    "taxes-only-what-was-asked": "a rate for a class that nobody asked for is a rate for a wrong one",
    "rates-are-millionths": "19 % is 190000 of a million, an integer; floats and percents do not add up",
    "taxes-once": "two components of one code on one class tax it twice",
    "compounds-on-something": "a compound tax is taken with the taxes before it, so one comes before it",
    "stays-below-the-price": "taxes that together exceed the price are a slip of the decimal point",
    "names-its-taxes": "the name stands on the invoice; a blank one tells nobody what was paid",
    "says-the-same-twice": "a quote is asked for at every look into the cart, and must not flicker",
    "each-class-for-itself": "what else is in the cart does not change how a class is taxed",
    "keeps-requests-apart": "two shoppers ask at once, and each is taxed where the goods go",
    "spelling-means-nothing": "a shopper writes the region and the postcode as it pleases",
    "knows-no-strangers": "a destination it knows nothing of is not taxed; that is no error",
    "says-unavailable": "no answer is not the same as no tax: goods would be sold without it",
    **CALLED_RULES,
}
"""Every rule, and why it is one. Sums and rounding are the core's: nobody is asked for amounts."""

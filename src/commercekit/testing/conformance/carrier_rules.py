"""The rules of carriers by name, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from commercekit.testing.conformance.called import CALLED_RULES

__all__ = ["CARRIER_RULES"]

CARRIER_RULES: Final[Mapping[str, str]] = {
    "declares-itself": "the core finds a carrier by its code and decodes its settings itself",
    "names-its-services": "shoppers read the service's name, so there is one in English at least",
    "quotes-in-the-currency-asked": "a price in another currency cannot be charged, and is left out",
    "quotes-a-service-once": "two prices for one service leave the shopper's choice open",
    "quotes-the-same-twice": "the cart is priced again at every read; prices must not flicker",
    "echoes-our-id": "the booking is filed under the id that we made",
    "books-once": "a label that is bought twice is paid twice",
    "books-once-at-once": "a retry may overtake the call it repeats",
    "finds-what-it-booked": "after an answer that got lost the core asks before it books again",
    "finds-nothing-unbooked": "a booking that is not there would leave the parcel standing",
    "numbers-are-unlike": "a number leads to one parcel, or pushes go astray",
    "numbers-name-their-parents": "a child's parent is a number of the same booking",
    "numbers-no-parcel-twice": "a parcel bears one number, and no number is for a parcel not sent",
    "cancels-twice": "cancelling is repeated after a crash",
    "cancels-what-was-never-booked": "a booking whose outcome is unknown is cancelled too",
    "refuses-to-cancel-what-travels": "goods that travel must not come back as stock",
    "prints-without-buying": "a label is printed as often as printers jam",
    "refuses-unknown-formats": "staff are told, instead of being handed a file that no printer reads",
    "tracks-the-whole-history": "polling is how we hear of what was never pushed",
    "tells-events-apart": "the same event under another id would be booked twice",
    "knows-no-strangers": "an unknown number has no history; it is not an error",
    "subscribes-twice": "a subscription is repeated after a crash, and ALREADY is as good as OK",
    "accepts-its-own": "a genuine notification is taken in",
    "answers-both-ways": "the vendor must be told to come again when we could not book its news",
    "refuses-forgeries": "anybody can post to a webhook",
    "reads-without-effects": "a notification is read before anything is booked, perhaps twice",
    "follows-on-the-web": "shoppers click on the link",
    "keeps-people-out-of-logs": "logs are read by many, and kept for long",
    "keeps-secrets": "whoever has the account's key ships at the shop's expense",
    **CALLED_RULES,
}
"""Every rule, and why it is one."""

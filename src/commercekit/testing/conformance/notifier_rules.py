"""The rules of notifiers by name, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from commercekit.testing.conformance.called import CALLED_RULES

__all__ = ["NOTIFIER_RULES"]

NOTIFIER_RULES: Final[Mapping[str, str]] = {
    "declares-itself": "the core finds it by its code and hands it only what its channels carry",
    "answers-with-an-outcome": "another answer counts as a failure, and the message is sent again",
    "carries-what-it-was-given": "a text that is changed on the way is not what the shop said",
    "carries-every-script": "half of the readers do not write in Latin letters",
    "carries-or-refuses-long-texts": "a text that is cut silently says something else",
    "sends-once": "the core hands a message over again when it does not know; nobody reads it twice",
    "sends-once-at-once": "a retry may overtake the call it repeats",
    "tells-messages-apart": "two orders of one day have the same text, and both are told",
    "writes-to-nobody-else": "an address is what a shopper typed, and may try to add another",
    "says-rejected": "an address that does not exist is never tried again",
    "says-unavailable": "what surely was not sent is tried again soon",
    "says-unknown": "what may have been sent is tried again under the same id, and counted as one",
    "keeps-people-out-of-logs": "logs are read by many, and kept for long",
    "keeps-people-out-of-errors": "an error ends in a log, and in what operators see",
    "keeps-secrets": "whoever has the account's key writes in the shop's name",
    "accepts-its-own": "a genuine receipt is taken in, and names the message by our id",
    "answers-both-ways": "the vendor must be told to come again when we could not book its news",
    "refuses-forgeries": "anybody can post to a webhook",
    "reads-without-effects": "a receipt is read before anything is booked, perhaps twice",
    **CALLED_RULES,
}
"""Every rule, and why it is one."""

"""The rules of what keeps something about people by name, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["PERSONAL_RECORDS_RULES"]

PERSONAL_RECORDS_RULES: Final[Mapping[str, str]] = {
    "declares-itself": "the exported file calls it by its name, which is the plugin's and nobody else's",
    "tells-what-it-keeps": "whoever asks what is known of them is owed all of it, opened",
    "tells-what-can-be-written": "what msgspec cannot write leaves its owner without the whole file",
    "tells-nobody-elses": "a file with somebody else's data in it is a leak that the shop sends by itself",
    "tells-again-the-same": "asking what is known changes nothing of it",
    "asks-for-proof-of-addresses": "anybody can register with anybody's e-mail address",
    "knows-strangers": "most customers left nothing with a plugin; they too are told, and forgotten",
    "forgets-with-the-account": "what is left behind would be found by the next leak",
    "forgets-with-the-transaction": "a deletion that is undone must find everything as it was",
    "forgets-once-more": "what was asked for twice is done once",
    "leaves-others-alone": "one customer's goodbye is nobody else's",
    "seals-what-it-keeps": "whoever reads a copy of the database must not read who the customers are",
    "keeps-quiet": "a log is read by more people than the shop's records",
}
"""Every rule, and why it is one."""

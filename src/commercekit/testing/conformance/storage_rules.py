"""The rules of places for files by name, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from commercekit.testing.conformance.called import CALLED_RULES

__all__ = ["STORAGE_RULES"]

STORAGE_RULES: Final[Mapping[str, str]] = {
    "declares-itself": "the settings name it by its code",
    "keeps-what-it-is-given": "a picture that comes back with another byte is broken",
    "keeps-the-same-twice": "a put whose answer got lost is done again",
    "never-mixes-contents": "half of one file and half of another are neither",
    "keeps-names-apart": "two names that fall together show one product's picture at another",
    "keeps-many-apart": "many put at once, and each its own",
    "writes-whole": "whoever reads meanwhile gets the whole file or none",
    "carries-large-files": "photographs weigh megabytes",
    "is-there-for-another": "what one process puts is served by another, and after the next start",
    "knows-nothing-unkept": "a file that is not there is no empty file, and no error",
    "forgets-what-it-is-told": "a picture that was taken down is not served any more",
    "forgets-twice": "deleting is repeated after a crash",
    "forgets-only-that": "names begin alike, and the others stay",
    "leads-nowhere-else": "a name is made by us; one that leads out of the place is an attack",
    "says-what-it-is": "whoever serves the place itself needs the type, or browsers guess",
    "says-unavailable": "a place that cannot be reached is not an empty one",
    "keeps-secrets": "whoever has the key can change every picture of the shop",
    **CALLED_RULES,
}
"""Every rule, and why it is one."""

"""The rules of vaults for master keys by name, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from commercekit.testing.conformance.called import CALLED_RULES

__all__ = ["KEY_VAULT_RULES"]

KEY_VAULT_RULES: Final[Mapping[str, str]] = {
    "declares-itself": "the settings name it by its code, and a colon ends it beside each wrapped key",
    "gives-back-what-it-wrapped": "a key that comes back with another bit opens nothing",
    "hides-what-it-wraps": "whoever reads the database must not read the keys in it",
    "stays-small": "wrapped keys lie in rows that are read at every start",
    "binds-to-the-place": "a wrapped key put in the row of another table must not open there",
    "refuses-what-was-changed": "a wrapped key with another bit was tampered with",
    "keeps-masters-apart": "what one master key wrapped is nothing to another",
    "knows-its-masters": "a master key that is misspelt is no reason to make another one",
    "keeps-many-apart": "a process asks for all of its keys, and others do at the same time",
    "is-there-for-another": "what one process wrapped is unwrapped by another, and after the next start",
    "opens-what-older-versions-wrapped": "a vault that rotates by itself must not shut the shop out",
    "says-unavailable": "keys that cannot be reached were not tampered with; the start is tried again",
    "keeps-secrets": "what opens the vault opens every personal field of the shop",
    **CALLED_RULES,
}
"""Every rule, and why it is one."""

"""Decisions of identity. Pure."""

from commercekit.identity.rules.tokens import (
    TokenParts,
    check_grant,
    hash_secret,
    make_token,
    parse_token,
)

__all__ = ["TokenParts", "check_grant", "hash_secret", "make_token", "parse_token"]

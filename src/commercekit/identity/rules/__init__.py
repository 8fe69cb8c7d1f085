"""Decisions of identity. Pure."""

from commercekit.identity.rules.audit import BEGINNING, LANES, ChainReader, hash_of
from commercekit.identity.rules.emails import check_email
from commercekit.identity.rules.factors import factor_advice
from commercekit.identity.rules.passwords import (
    MAX_LENGTH,
    BreachedFile,
    check_password,
    prepare,
)
from commercekit.identity.rules.secrets import digest_of, make_secret
from commercekit.identity.rules.tokens import (
    TokenParts,
    check_grant,
    hash_secret,
    make_token,
    parse_token,
)

__all__ = [
    "BEGINNING",
    "LANES",
    "MAX_LENGTH",
    "BreachedFile",
    "ChainReader",
    "TokenParts",
    "check_email",
    "check_grant",
    "check_password",
    "digest_of",
    "factor_advice",
    "hash_of",
    "hash_secret",
    "make_secret",
    "make_token",
    "parse_token",
    "prepare",
]

"""Members of staff who are limited, as tokens: to markets, places, groups of customers, their own records."""

from __future__ import annotations

from commercekit.identity import IssuedToken, LimitView, NewToken
from commercekit.platform.security import LimitKind, Principal
from tests.shop import TestShop

__all__ = ["bearer", "holder"]


async def holder(shop: TestShop, kind: str, scope: str, *codes: str) -> IssuedToken:
    """The token of somebody who holds ``scope`` within a limit."""
    return await shop.shop.identity.create_token(
        Principal.system("test"),
        NewToken(
            name=kind,
            scopes=frozenset({scope}),
            limit=LimitView(kind=LimitKind(kind), codes=list(codes)),
        ),
    )


def bearer(issued: IssuedToken) -> dict[str, str]:
    """Its header."""
    return {"Authorization": f"Bearer {issued.secret}"}

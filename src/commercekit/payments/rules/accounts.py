"""How the ledger names the accounts of one merchant account."""

from __future__ import annotations

__all__ = ["clearing_account", "disputed_account", "fee_account", "suspense_account"]


def clearing_account(gateway: str, account: str) -> str:
    """The money that lies at the provider."""
    return f"gateway:{gateway}:{account}"


def fee_account(gateway: str, account: str) -> str:
    """What the provider kept."""
    return f"fees:{gateway}:{account}"


def disputed_account(gateway: str, account: str) -> str:
    """What the provider holds back until a dispute is decided."""
    return f"disputed:{gateway}:{account}"


def suspense_account(gateway: str, account: str) -> str:
    """Money that is there, or gone, and nobody knows yet what for."""
    return f"suspense:{gateway}:{account}"

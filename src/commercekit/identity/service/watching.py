"""Where whoever watches over logins is asked: before, after, and what is still owed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from commercekit.identity.models import Account, LoginAttempt
    from commercekit.platform.db import UnitOfWork

__all__ = ["LoginWatch", "Unwatched"]


class LoginWatch(Protocol):
    """Throttling, captcha and second factors, as logins see them."""

    async def before(self, attempt: LoginAttempt) -> None:
        """Raise to turn the attempt away, before anything costs anything."""
        ...

    async def failed(self, attempt: LoginAttempt) -> None:
        """The attempt was wrong; an address nobody has counts like any other."""
        ...

    async def succeeded(self, attempt: LoginAttempt) -> None:
        """The attempt was right."""
        ...

    async def owed(self, uow: UnitOfWork, account: Account) -> tuple[str, ...]:
        """Kinds of second factor of which one must be proven; none when the password is enough."""
        ...


class Unwatched:
    """Nobody watches: for tests of what stands around it."""

    async def before(self, attempt: LoginAttempt) -> None:
        """Turn nobody away."""

    async def failed(self, attempt: LoginAttempt) -> None:
        """Count nothing."""

    async def succeeded(self, attempt: LoginAttempt) -> None:
        """Count nothing."""

    async def owed(self, uow: UnitOfWork, account: Account) -> tuple[str, ...]:
        """The password is enough."""
        return ()

"""What every controller for staff does: say who asks, go on where a page ended, refuse stale changes."""

from typing import Any
from uuid import UUID

from litestar import Request

from commercekit.errors import FieldError
from commercekit.orders.models import Actor
from commercekit.platform.http import InvalidInput, require_match
from commercekit.platform.security import LimitKind, principal_of

__all__ = ["BY_MARKET", "actor_of", "match_if_asked", "place_of"]


BY_MARKET = (LimitKind.MARKET,)
"""What an order knows of: whoever is limited to markets acts on the orders of these alone."""


def actor_of(request: Request[Any, Any, Any]) -> Actor:
    """Whoever asks, for the history."""
    principal = principal_of(request)
    return Actor(str(principal.kind), principal.id)


def place_of(after: tuple[str, ...]) -> UUID:
    """The id that a cursor ends at; one of another list is invalid input."""
    try:
        return UUID(after[0])
    except (ValueError, IndexError):
        message = "This cursor does not belong to this list."
        raise InvalidInput(
            message, errors=(FieldError("?cursor", "invalid-cursor", message),)
        ) from None


def match_if_asked(request: Request[Any, Any, Any], version: int) -> None:
    """Refuse what was decided on an older version, if ``If-Match`` says which one was read."""
    if "if-match" in request.headers:
        require_match(request, version)

"""What happens to endpoints, told with the change itself."""

from typing import ClassVar
from uuid import UUID

from commercekit.kernel import DomainEvent

__all__ = ["WebhookEndpointDisabled"]


class WebhookEndpointDisabled(DomainEvent, frozen=True, kw_only=True):
    """Nothing is sent to the endpoint any more, until a person enables it again."""

    aggregate: ClassVar[str] = "webhook"
    id_field: ClassVar[str] = "endpoint_id"

    endpoint_id: UUID
    reason: str
    """``failing`` after days without success, ``gone`` after a 410, ``by-hand``."""
    failures: int
    """Attempts in a row that had failed."""

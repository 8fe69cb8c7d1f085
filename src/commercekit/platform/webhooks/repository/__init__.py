"""Every query on webhooks. Gives models, never rows."""

from commercekit.platform.webhooks.repository.endpoints import (
    SEALED,
    EndpointRepository,
    Health,
)
from commercekit.platform.webhooks.repository.messages import MessageRepository, NewMessage

__all__ = ["SEALED", "EndpointRepository", "Health", "MessageRepository", "NewMessage"]

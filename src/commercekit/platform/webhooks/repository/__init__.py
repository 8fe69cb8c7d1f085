"""Every query on webhooks. Gives models, never rows."""

from commercekit.platform.webhooks.repository.endpoints import (
    SEALED_TABLES,
    EndpointRepository,
    Health,
)
from commercekit.platform.webhooks.repository.messages import MessageRepository, NewMessage

__all__ = ["SEALED_TABLES", "EndpointRepository", "Health", "MessageRepository", "NewMessage"]

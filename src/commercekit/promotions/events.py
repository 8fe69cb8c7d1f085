"""What promotions tell."""

from typing import ClassVar
from uuid import UUID

from commercekit.kernel import DomainEvent

__all__ = ["PromotionChanged"]


class PromotionChanged(DomainEvent, frozen=True, kw_only=True):
    """A promotion was made, changed or deleted; read it to see how it is now."""

    aggregate: ClassVar[str] = "promotion"
    id_field: ClassVar[str] = "promotion_id"

    promotion_id: UUID
    code: str
    deleted: bool = False

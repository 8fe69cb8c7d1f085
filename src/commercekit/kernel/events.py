"""What a fact is: something that happened, in the past tense, told with the change itself."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

__all__ = ["DomainEvent"]


class DomainEvent(Struct, frozen=True, kw_only=True):
    """A fact of one aggregate. Subclasses are named in the past tense and end in no ``Event``.

    Carries ids and figures, never personal data. ``aggregate`` names the kind of thing whose
    sequence the fact belongs to; facts of one aggregate are delivered in order.
    """

    aggregate: ClassVar[str]
    """Such as ``order``; facts of one (aggregate, aggregate_id) keep their order."""
    id_field: ClassVar[str]
    """The field that says which one it happened to, such as ``order_id``."""
    version: ClassVar[int] = 1
    """Of the payload's shape; consumers accept the previous one."""

    @property
    def aggregate_id(self) -> str:
        """Which one it happened to, as text."""
        return str(getattr(self, self.id_field))

    @classmethod
    def type_name(cls) -> str:
        """The name on the wire, such as ``order.OrderPlaced``."""
        return f"{cls.aggregate}.{cls.__name__}"

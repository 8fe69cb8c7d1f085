"""What a fact is: something that happened, in the past tense, told with the change itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

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
    """Of the payload's shape. Adding a field that may be left out keeps it; anything else raises it."""
    upgrades: ClassVar[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {}
    """How the payload of an older version, as JSON, becomes that of the next one: ``{1: from_1}`` for a
    fact of version 2, annotated ``ClassVar[dict[int, Any]]``. While versions of a shop run side by side
    both are told; and some facts wait for days."""

    @property
    def aggregate_id(self) -> str:
        """Which one it happened to, as text."""
        return str(getattr(self, self.id_field))

    @classmethod
    def type_name(cls) -> str:
        """The name on the wire, such as ``order.OrderPlaced``."""
        return f"{cls.aggregate}.{cls.__name__}"

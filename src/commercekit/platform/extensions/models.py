"""What a plugin declares, and what an entity of the core offers."""

from enum import StrEnum
from typing import Any

from msgspec import UNSET, Struct

__all__ = [
    "Audience",
    "ExtensibleEntity",
    "ExtensionField",
    "FieldView",
    "GivenValues",
    "Values",
    "Writer",
]

Values = dict[str, dict[str, Any]]
"""Of one product, order …: by the code of the plugin, then by the name of the field."""
GivenValues = dict[str, dict[str, Any] | None]
"""To be written: ``{"acme": {"gift_note": "…"}}``; ``null`` takes a value, or all of a plugin, away."""


class Audience(StrEnum):
    """Who sees a field; staff see what shoppers see."""

    STORE = "store"
    ADMIN = "admin"


class Writer(StrEnum):
    """Who may write a field; the plugin itself always may."""

    STORE = "store"
    """Shoppers, while it is a cart; staff too."""
    ADMIN = "admin"
    """Staff."""
    PLUGIN = "plugin"
    """Nobody but the plugin."""


class ExtensionField(Struct, frozen=True, kw_only=True):
    """One typed field that a plugin adds to products, variants, carts or orders.

    A field of carts goes over to the order at placing, and is a field of orders by that. Values
    travel to browsers, indexes and exports in clear: what is personal belongs into a table of the
    plugin's own, sealed.
    """

    entity: str
    """``product``, ``variant``, ``cart`` or ``order``."""
    name: str
    """Lower-case letters, digits and underscores; stored, so it is for good."""
    type: Any
    """Anything that msgspec reads from JSON: ``str``, ``Annotated[int, Meta(ge=0)]``, a Struct …"""
    label: dict[str, str]
    """By language; English at least."""
    required: bool = False
    """Without a value nothing is created or ordered; a field with a default never is."""
    default: Any = UNSET
    """What is shown, and found, where nothing is kept."""
    indexed: bool = False
    """Lists of staff can be filtered by it; for single values, not for lists and Structs."""
    visible: Audience = Audience.ADMIN
    writable: Writer = Writer.ADMIN


class ExtensibleEntity(Struct, frozen=True):
    """Something of the core that takes fields; its ``table`` has a column ``extensions``."""

    name: str
    table: str
    carried_to: str | None = None
    """The entity that its values go over to."""
    listed: bool = True
    """Whether staff have a list of it, which can be filtered."""
    shoppers_write: bool = False
    required: bool = True
    """Whether it is made where somebody could be asked for a value."""


class FieldView(Struct, frozen=True, kw_only=True):
    """A field as consoles and scripts find it."""

    entity: str
    plugin: str
    name: str
    label: dict[str, str]
    schema: dict[str, Any]
    """JSON Schema of a value."""
    required: bool
    default: Any
    indexed: bool
    visible: Audience
    writable: Writer

"""How values stand in a column ``extensions``: nothing at all where nobody keeps anything."""

from __future__ import annotations

import msgspec

from commercekit.platform.extensions.models import Values

__all__ = ["read_values", "write_values"]

_decode = msgspec.json.Decoder(Values).decode


def read_values(column: str | None) -> Values:
    """What the column holds; a new, empty dictionary for NULL."""
    return {} if column is None else _decode(column)


def write_values(values: Values) -> str | None:
    """What the column shall hold; NULL for nothing, so that rows without values stay as small."""
    kept = {plugin: own for plugin, own in sorted(values.items()) if own}
    return msgspec.json.encode(kept, order="deterministic").decode() if kept else None

"""Requests are forms with nested names: ``line_items[0][quantity]=1``. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

__all__ = ["Form", "encode"]

Form: TypeAlias = Mapping[str, Any]
"""Texts, integers, truths, ``None``, and tables and lists of them."""


def encode(form: Form) -> str:
    """``form`` as the vendor reads it; what is ``None`` is left out, and so is an empty list."""
    return urlencode(list(_pairs(form)), quote_via=quote, safe="")


def _pairs(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _pairs(inner, f"{name}[{key}]" if name else key)
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif isinstance(value, str | int):
        yield name, str(value)
    elif value is not None:
        for index, inner in enumerate(value):
            yield from _pairs(inner, f"{name}[{index}]")

"""One tree of settings above another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["laid_beneath"]

_OWN: Final = 3
"""``[payments.accounts.<gateway>]`` is so deep; what stands below belongs together."""


def laid_beneath(
    settings: Mapping[str, Any], beneath: Mapping[str, Any], depth: int = 1
) -> dict[str, Any]:
    """``settings``, and of ``beneath`` what they are silent about.

    A merchant account that both name is taken whole from ``settings``: keys of one and an address of the
    other would be an account that does not exist.
    """
    merged = dict(settings)
    for key, value in beneath.items():
        if key not in merged:
            merged[key] = value
        elif depth <= _OWN and isinstance(value, Mapping) and isinstance(merged[key], Mapping):
            merged[key] = laid_beneath(merged[key], value, depth + 1)
    return merged

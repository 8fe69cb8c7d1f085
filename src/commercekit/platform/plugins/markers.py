"""How a function says that it is a hook, or fills one."""

from __future__ import annotations

from typing import Final

import pluggy

__all__ = ["GROUP", "hookimpl", "hookspec"]

GROUP: Final = "commercekit"
"""Of entry points, and of the marks on hooks."""

hookspec = pluggy.HookspecMarker(GROUP)
"""Marks a function in a ``hookspecs`` room: plugins may fill it."""

hookimpl = pluggy.HookimplMarker(GROUP)
"""Marks a function in a plugin's module: it fills the hook of the same name."""

"""CommerceKit: a company's whole commerce, as a library with plugins.

The names here are what plugin authors and deployments start from; everything else is public in the
front door of its own package, such as :mod:`commercekit.payments`.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from commercekit.kernel import Money
from commercekit.platform.plugins import PluginContext, hookimpl

if TYPE_CHECKING:
    from commercekit.app import create_app

__all__ = ["Money", "PluginContext", "__version__", "create_app", "hookimpl"]

try:
    __version__ = version("commercekit")
except PackageNotFoundError:  # a source tree on the path without being installed
    __version__ = "0"


def __getattr__(name: str) -> Any:
    """The application is imported when asked for: a plugin needs none of it."""
    if name == "create_app":
        from commercekit.app import create_app

        return create_app
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)

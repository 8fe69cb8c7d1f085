"""Pages that a plugin adds to whatever console staff use: where they are, not what they show."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from commercekit.errors import ConfigurationError
from commercekit.platform.security import PermissionBook

__all__ = ["ConsolePage", "ConsolePageView", "pages_of"]

_PATH: Final = re.compile(r"^[a-z0-9]+(?:[/-][a-z0-9]+)*\Z")
_ASSET: Final = re.compile(r"^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/-]*\Z")
_FRAME: Final = re.compile(r"^https://[^\s/?#@]+(?:[/?#]\S*)?\Z")


class ConsolePage(Struct, frozen=True, kw_only=True):
    """One page. What draws it is one of three: a module, a frame, or a form made from a schema."""

    path: str
    """Below the plugin's own in the console: ``wraps``, ``wraps/settings``."""
    title: dict[str, str]
    """By language; English and Chinese."""
    permission: str
    """Who lacks it is not shown the page; its routes must ask for it themselves."""
    icon: str = "puzzle"
    """A name of the console's icon set; one that it does not know is drawn as a puzzle piece."""
    section: str = "plugins"
    """The heading it stands under: ``catalog``, ``orders``, ``marketing``, ``plugins`` …"""
    asset: str | None = None
    """An ES module among the plugin's own routes, such as ``console/wraps.js``."""
    iframe: str | None = None
    """A page among the plugin's own routes, or an https address, to be shown in a frame."""
    schema: dict[str, Any] | None = None
    """JSON Schema of a form; its values are read from and put to ``/plugins/<code>/<path>``."""


class ConsolePageView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page as consoles load it; addresses are whole."""

    plugin: str
    path: str
    """``/plugins/<code>/<path>`` in the console, and of the form's values."""
    title: dict[str, str]
    permission: str
    icon: str
    section: str
    kind: str
    """``asset``, ``iframe`` or ``schema``."""
    asset: str | None = None
    iframe: str | None = None
    schema: dict[str, Any] | None = None


def pages_of(
    offered: Iterable[tuple[str, ConsolePage]], permissions: PermissionBook
) -> tuple[ConsolePageView, ...]:
    """The pages, checked; by section, plugin and path.

    Raises :class:`~commercekit.errors.ConfigurationError` with a sentence about the first that does not
    fit.
    """
    found: dict[str, ConsolePageView] = {}
    for plugin, page in offered:
        view = _view(plugin, page, permissions)
        if view.path in found:
            _refuse(plugin, page, "twice; give one of them another path")
        found[view.path] = view
    return tuple(sorted(found.values(), key=lambda each: (each.section, each.plugin, each.path)))


def _view(plugin: str, page: ConsolePage, permissions: PermissionBook) -> ConsolePageView:
    if not _PATH.match(page.path):
        _refuse(plugin, page, "; write its path as wraps/settings, without slashes at the ends")
    if not page.title.get("en"):
        _refuse(plugin, page, "without an English title")
    if not permissions.knows(page.permission) or "*" in page.permission:
        _refuse(plugin, page, f"for {page.permission!r}. {permissions.unknown(page.permission)}")
    kinds = [kind for kind in ("asset", "iframe", "schema") if getattr(page, kind) is not None]
    if len(kinds) != 1:
        _refuse(plugin, page, "; it needs one of asset, iframe and schema")
    base = f"/plugins/{plugin}"
    iframe = page.iframe
    if page.asset is not None and not _ASSET.match(page.asset):
        _refuse(plugin, page, "; its asset is a path among the plugin's own routes")
    if iframe is not None and not _FRAME.match(iframe):
        if not _ASSET.match(iframe):
            _refuse(plugin, page, "; its iframe is a path of its own routes, or an https address")
        iframe = f"{base}/{iframe}"
    return ConsolePageView(
        plugin=plugin,
        path=f"{base}/{page.path}",
        title=page.title,
        permission=page.permission,
        icon=page.icon,
        section=page.section,
        kind=kinds[0],
        asset=f"{base}/{page.asset}" if page.asset is not None else None,
        iframe=iframe,
        schema=page.schema,
    )


def _refuse(plugin: str, page: ConsolePage, problem: str) -> None:
    between = "" if problem.startswith(";") else " "
    message = f"The plugin {plugin!r} brings the console page {page.path!r}{between}{problem}"
    raise ConfigurationError(message)

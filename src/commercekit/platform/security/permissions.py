"""Every permission there is: the core's, and those that plugins bring."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from msgspec import Struct

from commercekit.errors import ConfigurationError, Malformed
from commercekit.platform.security.scopes import check_scope

__all__ = ["Permission", "PermissionBook", "PermissionView"]


class Permission(Struct, frozen=True):
    """What staff may be allowed, and how a console calls it."""

    scope: str
    """``resource:action``; a plugin's resource is its code, or begins with the code and a hyphen."""
    label: dict[str, str]
    """By language; English and Chinese."""
    step_up: bool = False
    """Whether a session must have proven a second factor within minutes, on every route that asks for
    it: for what cannot be taken back."""


class PermissionView(Struct, frozen=True, kw_only=True):
    """A permission with whoever brings it."""

    scope: str
    label: dict[str, str]
    plugin: str | None
    """None for the core's own."""
    step_up: bool = False


class PermissionBook:
    """The permissions of one shop. Without any, every name is taken for good."""

    def __init__(
        self,
        core: Iterable[Permission] = (),
        offered: Iterable[tuple[str, Permission]] = (),
    ) -> None:
        """``offered`` are pairs of a plugin's code and a permission of it.

        Raises :class:`~commercekit.errors.ConfigurationError` for one outside of the plugin's own
        resources, twice, or without an English label.
        """
        self._views = {
            each.scope: PermissionView(
                scope=each.scope, label=each.label, plugin=None, step_up=each.step_up
            )
            for each in core
        }
        for plugin, each in offered:
            where = f"The plugin {plugin!r} brings the permission {each.scope!r}"
            try:
                check_scope(each.scope)
            except Malformed as error:
                message = f"The plugin {plugin!r} brings a permission: {error.detail}"
                raise ConfigurationError(message) from None
            resource = each.scope.partition(":")[0]
            if "*" in each.scope or not (resource == plugin or resource.startswith(f"{plugin}-")):
                message = f"{where}; its own begin with {plugin}: or {plugin}-"
                raise ConfigurationError(message)
            if each.scope in self._views:
                message = f"{where}, which is there already; take one of them out"
                raise ConfigurationError(message)
            if not each.label.get("en"):
                message = f"{where} without an English label; consoles show it"
                raise ConfigurationError(message)
            self._views[each.scope] = PermissionView(
                scope=each.scope, label=each.label, plugin=plugin, step_up=each.step_up
            )

    def __iter__(self) -> Iterator[PermissionView]:
        return iter(sorted(self._views.values(), key=lambda each: each.scope))

    @property
    def sensitive(self) -> frozenset[str]:
        """Those for which a second factor must have been proven within minutes."""
        return frozenset(each.scope for each in self._views.values() if each.step_up)

    def knows(self, scope: str) -> bool:
        """Whether something here asks for ``scope``, or for something that its ``*`` covers."""
        if not self._views:
            return True
        resource, _, action = scope.partition(":")
        return any(
            resource in ("*", known.partition(":")[0]) and action in ("*", known.partition(":")[2])
            for known in self._views
        )

    def check(self, scope: str) -> str:
        """The scope itself; raises :class:`~commercekit.errors.Malformed` for one of nobody's."""
        check_scope(scope)
        if not self.knows(scope):
            raise Malformed(self.unknown(scope))
        return scope

    def unknown(self, scope: str) -> str:
        """What is said of a scope that nothing here asks for."""
        close = difflib.get_close_matches(scope, self._views, n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        return f"Nothing in this shop asks for the permission {scope[:80]!r}{meant}"

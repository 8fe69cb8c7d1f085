"""Roles: sets of permissions with a name; the core's, and those that plugins bring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from commercekit.errors import ConfigurationError, Malformed
from commercekit.platform.security.permissions import PermissionBook
from commercekit.platform.security.scopes import check_scope

__all__ = ["Role", "RoleBook", "RoleView"]


class Role(Struct, frozen=True, kw_only=True):
    """A set of permissions that people are given together."""

    code: str
    """A plugin's role begins with the plugin's code and a hyphen."""
    label: dict[str, str]
    """By language; English and Chinese."""
    permissions: frozenset[str]
    """Wildcards are taken: ``*:read``."""


class RoleView(Struct, frozen=True, kw_only=True):
    """A role with whoever brings it."""

    code: str
    label: dict[str, str]
    permissions: list[str]
    origin: str
    """``core``, ``plugin:<code>`` or ``shop``."""
    version: int = 0
    """Of a role of the shop's own, which can be changed."""


class RoleBook:
    """The roles that come with the software; those of the shop's own lie in its database."""

    def __init__(
        self,
        core: Iterable[Role] = (),
        offered: Iterable[tuple[str, Role]] = (),
        permissions: PermissionBook | None = None,
    ) -> None:
        """``offered`` are pairs of a plugin's code and a role of it.

        Raises :class:`~commercekit.errors.ConfigurationError` for one whose code is not the plugin's or
        taken, without an English label, or with a permission that nobody asks for. A plugin's role may
        hold permissions of the core: whoever enables the plugin sees them in its list of roles.
        """
        self._views: dict[str, RoleView] = {}
        self._sets: dict[str, frozenset[str]] = {}
        known = permissions or PermissionBook()
        for role in core:
            self._add(role, "core")
        for plugin, role in offered:
            where = f"The plugin {plugin!r} brings the role {role.code!r}"
            if not role.code.startswith(f"{plugin}-"):
                message = f"{where}; its own begin with {plugin}-"
                raise ConfigurationError(message)
            if role.code in self._views:
                message = f"{where}, which is there already"
                raise ConfigurationError(message)
            if not role.label.get("en"):
                message = f"{where} without an English label; consoles show it"
                raise ConfigurationError(message)
            for permission in sorted(role.permissions):
                try:
                    check_scope(permission)
                    if not known.knows(permission):
                        raise Malformed(known.unknown(permission))
                except Malformed as error:
                    message = f"{where}: {error.detail}"
                    raise ConfigurationError(message) from None
            self._add(role, f"plugin:{plugin}")

    def __iter__(self) -> Iterator[RoleView]:
        return iter(self._views.values())

    def permissions_of(self, code: str) -> frozenset[str] | None:
        """What a role of the software holds; ``None`` for one that does not come with it."""
        return self._sets.get(code)

    def view(self, code: str) -> RoleView | None:
        """The role, if it comes with the software."""
        return self._views.get(code)

    def _add(self, role: Role, origin: str) -> None:
        self._sets[role.code] = role.permissions
        self._views[role.code] = RoleView(
            code=role.code,
            label=role.label,
            permissions=sorted(role.permissions),
            origin=origin,
        )

"""What plugins bring beside providers, collected and checked once: fields, permissions, pages, texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from commercekit.app.fields import field_book
from commercekit.app.permissions import CORE_PERMISSIONS
from commercekit.app.roles import core_roles
from commercekit.errors import ConfigurationError
from commercekit.platform.plugins import PluginError, pages_of
from commercekit.platform.plugins.hookspecs import (
    register_console_pages,
    register_permissions,
    register_roles,
    register_translations,
)
from commercekit.platform.security import PermissionBook, RoleBook
from commercekit.platform.texts import PluginTexts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from commercekit.platform.plugins import PluginRegistry

__all__ = ["Surface"]

_log = structlog.get_logger("commercekit.plugins")
_LANGUAGES = ("en", "zh")


class Surface:
    """Made before the services; raises :class:`~commercekit.errors.ConfigurationError` for misfits."""

    def __init__(self, plugins: PluginRegistry) -> None:
        self.fields = field_book(plugins)
        self.permissions = PermissionBook(CORE_PERMISSIONS, plugins.collect(register_permissions))
        self.roles = RoleBook(
            core_roles(self.permissions), plugins.collect(register_roles), self.permissions
        )
        self.pages = pages_of(plugins.collect(register_console_pages), self.permissions)
        folders: dict[str, list[Path]] = {}
        for offered in plugins.collect(register_translations):
            folders.setdefault(offered.plugin, []).append(offered.item)
        self._texts = {code: _texts(code, found) for code, found in folders.items()}

    def texts_of(self, plugin: str) -> PluginTexts:
        """The catalogues of a plugin; none at all are catalogues too."""
        return self._texts.get(plugin) or PluginTexts()

    def missing_texts(self) -> dict[str, list[str]]:
        """By plugin: what it says in one language and not in another."""
        missing = {
            code: [f"{each.language}: {each.key}" for each in texts.missing]
            for code, texts in self._texts.items()
        }
        for view in self.fields.views:
            _note(missing, view.plugin, f"the label of the field {view.name}", view.label)
        for permission in self.permissions:
            if permission.plugin is not None:
                what = f"the label of the permission {permission.scope}"
                _note(missing, permission.plugin, what, permission.label)
        for page in self.pages:
            _note(missing, page.plugin, f"the title of the page {page.path}", page.title)
        return {code: list(dict.fromkeys(found)) for code, found in missing.items() if found}

    def tell(self) -> None:
        """Say in the log what is missing; nobody is kept from starting by a word."""
        for code, found in self.missing_texts().items():
            _log.warning("translations-missing", plugin=code, count=len(found), first=found[:5])


def _note(missing: dict[str, list[str]], plugin: str, what: str, texts: Mapping[str, str]) -> None:
    missing.setdefault(plugin, []).extend(
        f"{language}: {what}" for language in _LANGUAGES if not texts.get(language)
    )


def _texts(plugin: str, folders: list[Path]) -> PluginTexts:
    try:
        return PluginTexts(folders)
    except ConfigurationError as error:
        message = f"The plugin {plugin!r} brings texts that cannot be used. {error.detail}"
        raise PluginError(message) from None

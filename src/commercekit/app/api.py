"""``/admin/console``: what a console for staff has to know of this shop and of its plugins."""

from typing import Any

from litestar import Controller, Request, get

from commercekit.app.surface import Surface
from commercekit.platform.extensions import FieldView
from commercekit.platform.plugins import ConsolePageView
from commercekit.platform.security import PermissionView, principal_of, requires

__all__ = ["AdminConsole"]

READ = [requires("console:read")]


class AdminConsole(Controller):
    """Read once by a console when it starts; it changes with the plugins of the shop only."""

    path = "/admin/console"
    tags = ["Console"]

    @get(
        "/pages",
        guards=READ,
        operation_id="AdminListConsolePages",
        summary="Pages that plugins add, as far as the caller may see them",
    )
    async def pages(
        self, request: Request[Any, Any, Any], surface: Surface
    ) -> list[ConsolePageView]:
        """By section, plugin and path."""
        principal = principal_of(request)
        return [page for page in surface.pages if principal.may(page.permission)]

    @get(
        "/permissions",
        guards=READ,
        operation_id="AdminListPermissions",
        summary="Every permission there is, the core's and the plugins'",
    )
    async def permissions(self, surface: Surface) -> list[PermissionView]:
        """What a token can hold."""
        return list(surface.permissions)

    @get(
        "/fields",
        guards=READ,
        operation_id="AdminListExtensionFields",
        summary="Fields that plugins add to products, variants, carts and orders",
    )
    async def fields(self, surface: Surface) -> list[FieldView]:
        """With the JSON Schema of each, to draw a form from."""
        return list(surface.fields.views)

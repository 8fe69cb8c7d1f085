"""``/admin/plugins``: which there are, how their providers fare, and trying one again."""

from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.params import Parameter
from msgspec import Meta, Struct

from commercekit.platform.http import Input, current_request_id
from commercekit.platform.operations.desk import PluginDesk, PluginStatus
from commercekit.platform.security import principal_of, requires

__all__ = ["AdminPlugins", "PluginList", "ResetBreaker"]

_Code = Annotated[str, Parameter(max_length=100)]


class PluginList(Struct, frozen=True):
    """Every installed plugin; there are few, so that this is one page."""

    items: list[PluginStatus]


class ResetBreaker(Input):
    """Why."""

    reason: Annotated[str, Meta(max_length=500)] = ""


class AdminPlugins(Controller):
    """``/admin/plugins``."""

    path = "/admin/plugins"
    tags = ["Operations"]

    @get(
        "/",
        operation_id="AdminListPlugins",
        summary="Installed plugins, and how their providers fare",
        guards=[requires("plugins:read")],
    )
    async def list_plugins(self, plugins: PluginDesk) -> PluginList:
        return PluginList(plugins.plugins())

    @get(
        "/{code:str}",
        operation_id="AdminGetPlugin",
        summary="One plugin",
        guards=[requires("plugins:read")],
    )
    async def read(self, code: _Code, plugins: PluginDesk) -> PluginStatus:
        return plugins.plugin(code)

    @post(
        "/{code:str}/providers/{kind:str}/{provider:str}/reset",
        operation_id="AdminResetProviderBreaker",
        summary="Ask a provider again that failed repeatedly, in every process",
        status_code=200,
        guards=[requires("plugins:write")],
    )
    async def reset(
        self,
        request: Request[Any, Any, Any],
        code: _Code,
        kind: _Code,
        provider: _Code,
        plugins: PluginDesk,
        data: ResetBreaker,
    ) -> PluginStatus:
        return await plugins.reset(
            code,
            kind,
            provider,
            by=principal_of(request),
            reason=data.reason,
            request_id=current_request_id(),
        )

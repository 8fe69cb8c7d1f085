"""Roles and who has them, over HTTP, for staff."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, post, put
from litestar.params import Parameter
from msgspec import Meta

from commercekit.errors import NotFound
from commercekit.identity.models.roles import LimitView, NewRole, RoleBinding
from commercekit.identity.service import IdentityService
from commercekit.platform.http import Input, current_request_id, etag_of, require_match
from commercekit.platform.security import RoleView, principal_of, requires

__all__ = ["AdminRoleBindings", "AdminRoles"]

_READ = [requires("roles:read")]
_WRITE = [requires("roles:write", step_up=True)]
_Label = Annotated[
    dict[Annotated[str, Meta(max_length=10)], Annotated[str, Meta(max_length=80)]],
    Meta(max_length=20),
]
_Permissions = Annotated[
    list[Annotated[str, Meta(max_length=80, examples=["orders:read"])]],
    Meta(min_length=1, max_length=300),
]


class RoleContent(Input):
    """What a role is called, by language, and what it holds."""

    label: _Label
    permissions: _Permissions


class RoleInput(RoleContent):
    """A role to be made; it may hold only permissions that the caller holds."""

    code: Annotated[str, Meta(min_length=1, max_length=63)]


class BindingInput(Input):
    """A role for a member of staff; without ``limit`` everywhere."""

    account_id: UUID
    role: Annotated[str, Meta(min_length=1, max_length=63)]
    limit: LimitView | None = None


class AdminRoles(Controller):
    """Sets of permissions with a name."""

    path = "/admin/roles"
    tags = ["Roles"]

    @get(guards=_READ, operation_id="AdminListRoles", summary="All roles")
    async def list_roles(self, identity: IdentityService) -> list[RoleView]:
        """The core's, those of plugins, then the shop's own."""
        return await identity.roles.list_roles()

    @get("/{code:str}", guards=_READ, operation_id="AdminGetRole", summary="One role")
    async def read(self, code: str, identity: IdentityService) -> Response[RoleView]:
        role = await _role(identity, code)
        return Response(role, headers={"ETag": etag_of(role.version)})

    @post(guards=_WRITE, operation_id="AdminCreateRole", summary="Make a role of the shop's own")
    async def create(
        self, request: Request[Any, Any, Any], data: RoleInput, identity: IdentityService
    ) -> Response[RoleView]:
        """The code is what makes it unique: asked again, 409 ``role-taken``."""
        new = NewRole(code=data.code, label=data.label, permissions=frozenset(data.permissions))
        role = await identity.roles.create(
            principal_of(request), new, request_id=current_request_id()
        )
        return Response(role, status_code=201, headers={"ETag": etag_of(role.version)})

    @put("/{code:str}", guards=_WRITE, operation_id="AdminChangeRole", summary="Change a role")
    async def change(
        self,
        request: Request[Any, Any, Any],
        code: str,
        data: RoleContent,
        identity: IdentityService,
    ) -> Response[RoleView]:
        """Of the shop's own only. Whoever has it has to log in again. Needs ``If-Match``."""
        known = await _role(identity, code)
        require_match(request, known.version)
        new = NewRole(code=code, label=data.label, permissions=frozenset(data.permissions))
        role = await identity.roles.change(
            principal_of(request), new, version=known.version, request_id=current_request_id()
        )
        return Response(role, headers={"ETag": etag_of(role.version)})

    @delete("/{code:str}", guards=_WRITE, operation_id="AdminDeleteRole", summary="Delete a role")
    async def remove(
        self, request: Request[Any, Any, Any], code: str, identity: IdentityService
    ) -> None:
        """Of the shop's own, when nobody has it."""
        await identity.roles.remove(principal_of(request), code, request_id=current_request_id())


class AdminRoleBindings(Controller):
    """Who has which role within what."""

    path = "/admin/role-bindings"
    tags = ["Roles"]

    @get(guards=_READ, operation_id="AdminListRoleBindings", summary="Who has which role")
    async def list_bindings(
        self,
        identity: IdentityService,
        account_id: UUID | None = None,
        role: Annotated[str | None, Parameter(max_length=63)] = None,
    ) -> list[RoleBinding]:
        """Oldest first."""
        return await identity.roles.list_bindings(account_id, role)

    @post(guards=_WRITE, operation_id="AdminBindRole", summary="Give somebody a role")
    async def bind(
        self, request: Request[Any, Any, Any], data: BindingInput, identity: IdentityService
    ) -> RoleBinding:
        """Their sessions end at once; giving the same again changes nothing."""
        return await identity.roles.bind(
            principal_of(request),
            data.account_id,
            data.role,
            data.limit,
            request_id=current_request_id(),
        )

    @delete(
        "/{binding_id:uuid}",
        guards=_WRITE,
        operation_id="AdminUnbindRole",
        summary="Take a role away",
    )
    async def unbind(
        self, request: Request[Any, Any, Any], binding_id: UUID, identity: IdentityService
    ) -> None:
        """Their sessions end at once. The last owner keeps their role: 409 ``last-owner``."""
        await identity.roles.unbind(
            principal_of(request), binding_id, request_id=current_request_id()
        )


async def _role(identity: IdentityService, code: str) -> RoleView:
    for role in await identity.roles.list_roles():
        if role.code == code:
            return role
    message = "There is no such role."
    raise NotFound(message)

"""``/admin/attributes``: what products of a type have, beyond what all have."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.params import Parameter

from commercekit.catalog.models import Attribute, AttributeChange, NewAttribute
from commercekit.catalog.service import CatalogService
from commercekit.kernel import Page
from commercekit.platform.http import (
    PageCursor,
    PageLimit,
    etag_of,
    page_answer,
    page_request,
    require_match,
)
from commercekit.platform.security import COMMON, requires

__all__ = ["AttributeController"]

READ = [requires("catalog:read", limited_by=COMMON)]
WRITE = [requires("catalog:write")]


def _attribute(attribute: Attribute, status: int = 200) -> Response[Attribute]:
    headers = {"etag": etag_of(attribute.version)}
    if status == 201:
        headers["location"] = f"/admin/attributes/{attribute.id}"
    return Response(attribute, status_code=status, headers=headers)


class AttributeController(Controller):
    """Definitions; the values stand in each product's ``attributes``."""

    path = "/admin/attributes"
    tags = ["admin: catalogue"]

    @get(guards=READ, summary="List attributes")
    async def attributes(
        self,
        request: Request[Any, Any, Any],
        catalog: CatalogService,
        product_type: Annotated[str | None, Parameter(max_length=200)] = None,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[Attribute]:
        """Newest first."""
        page = page_request(request, limit, cursor)
        after = UUID(page.after[0]) if page.after else None
        found = await catalog.attributes(
            product_type=product_type, after=after, limit=page.limit + 1
        )
        shown = found[: page.limit]
        more = (str(shown[-1].id),) if len(found) > page.limit else None
        return page_answer(request, shown, more)

    @post(guards=WRITE, summary="Define an attribute")
    async def define(self, data: NewAttribute, catalog: CatalogService) -> Response[Attribute]:
        """For products of one type."""
        return _attribute(await catalog.define_attribute(data), 201)

    @get("/{attribute_id:uuid}", guards=READ, summary="One attribute")
    async def attribute(self, attribute_id: UUID, catalog: CatalogService) -> Response[Attribute]:
        """The definition of that id."""
        return _attribute(await catalog.attribute(attribute_id))

    @patch("/{attribute_id:uuid}", guards=WRITE, summary="Change an attribute")
    async def change(
        self,
        request: Request[Any, Any, Any],
        attribute_id: UUID,
        data: AttributeChange,
        catalog: CatalogService,
    ) -> Response[Attribute]:
        """A choice that products have cannot go. Needs ``If-Match``."""
        present = await catalog.attribute(attribute_id)
        require_match(request, present.version)
        return _attribute(
            await catalog.change_attribute(attribute_id, data, expected_version=present.version)
        )

    @delete("/{attribute_id:uuid}", guards=WRITE, summary="Forget an attribute")
    async def forget(
        self, request: Request[Any, Any, Any], attribute_id: UUID, catalog: CatalogService
    ) -> None:
        """Refused while products have values of it. Needs ``If-Match``."""
        present = await catalog.attribute(attribute_id)
        require_match(request, present.version)
        await catalog.forget_attribute(attribute_id, expected_version=present.version)

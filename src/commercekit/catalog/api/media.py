"""``/admin/media``: uploaded pictures."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException
from litestar.params import Parameter

from commercekit.catalog.models import Media
from commercekit.catalog.service import CatalogService
from commercekit.errors import CommerceKitError, Malformed
from commercekit.kernel import Page
from commercekit.platform.http import (
    ANY_BODY,
    PageCursor,
    PageLimit,
    UnsupportedMedia,
    page_answer,
    page_request,
)
from commercekit.platform.security import COMMON, principal_of, requires
from commercekit.platform.storage import MAX_BYTES, EmptyFile, FileTooLarge

__all__ = ["MediaController"]

READ = [requires("catalog:read", limited_by=COMMON)]
WRITE = [requires("catalog:write")]

_FORM = 64 * 1024
"""What a form may weigh besides its file."""


class MediaController(Controller):
    """Pictures that lie with the shop, for products, variants and brands to show."""

    path = "/admin/media"
    tags = ["admin: catalogue"]

    @get(guards=READ, summary="List uploaded pictures")
    async def uploads(
        self,
        request: Request[Any, Any, Any],
        catalog: CatalogService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        *,
        unused: Annotated[bool, Parameter(description="Only those on nothing")] = False,
    ) -> Page[Media]:
        """Newest first."""
        page = page_request(request, limit, cursor)
        after = UUID(page.after[0]) if page.after else None
        found = await catalog.media.page(unused=unused, after=after, limit=page.limit + 1)
        shown = found[: page.limit]
        more = (str(shown[-1].id),) if len(found) > page.limit else None
        return page_answer(request, shown, more)

    @post(
        guards=WRITE,
        opt=ANY_BODY,
        request_max_body_size=MAX_BYTES + _FORM,
        summary="Upload a picture",
        description=(
            "A form (`multipart/form-data`) with one file: JPEG, PNG, WebP or GIF, at most 10 MB and "
            "40 megapixels. It is decoded and written anew in several sizes, without what else was in "
            "the file. A picture that is there already comes back with 200."
        ),
    )
    async def upload(
        self, request: Request[Any, Any, Any], catalog: CatalogService
    ) -> Response[Media]:
        """Refused by content, whatever name and type say: 415 for no picture, 413 for too much."""
        file = await _file(request)
        # One byte more than allowed is enough to know.
        content = await file.read(MAX_BYTES + 1)
        await file.close()
        media, new = await catalog.media.upload(
            content, file.filename or "", actor=principal_of(request).id
        )
        headers = {"location": f"/admin/media/{media.id}"}
        return Response(media, status_code=201 if new else 200, headers=headers)

    @get("/{media_id:uuid}", guards=READ, summary="One uploaded picture")
    async def one(self, media_id: UUID, catalog: CatalogService) -> Media:
        """The upload of that id."""
        return await catalog.media.get(media_id)

    @delete("/{media_id:uuid}", guards=WRITE, summary="Remove an uploaded picture")
    async def remove(self, media_id: UUID, catalog: CatalogService) -> None:
        """With its files, for good; refused while a product or a brand shows it."""
        await catalog.media.remove(media_id)


async def _file(request: Request[Any, Any, Any]) -> UploadFile:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "multipart/form-data":
        message = "Send a form with the file in it, as multipart/form-data."
        raise UnsupportedMedia(message)
    try:
        form = await request.form()
    except HTTPException as error:
        if error.status_code == 413:
            message = f"A picture has at most {MAX_BYTES // 1024 // 1024} MB."
            raise FileTooLarge(message) from error
        message = "The form cannot be read."
        raise Malformed(message) from error
    except CommerceKitError:
        raise
    except Exception as error:
        message = "The form cannot be read."
        raise Malformed(message) from error
    parts = [value for _, value in form.multi_items()]
    files = [part for part in parts if isinstance(part, UploadFile)]
    if not files:
        message = "There is no file in the form."
        raise EmptyFile(message)
    if len(files) > 1 or len(parts) > 1:
        message = "Send one file at a time, and nothing else."
        raise Malformed(message)
    return files[0]

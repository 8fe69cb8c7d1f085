"""``/admin/synonyms``: what means the same to the shoppers of this shop."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, post, put
from msgspec import Meta

from commercekit.errors import FieldError, Unprocessable
from commercekit.kernel import Page
from commercekit.platform.http import Input, etag_of, require_match
from commercekit.platform.security import COMMON, requires
from commercekit.storefront.models import Synonym
from commercekit.storefront.rules.words import units
from commercekit.storefront.service import StorefrontService

__all__ = ["AdminSynonyms"]


class SynonymInput(Input):
    """Words and phrases that mean the same, at least two, in any language."""

    words: Annotated[
        list[Annotated[str, Meta(pattern=r"^\S(?:.{0,98}\S)?$")]],
        Meta(min_length=2, max_length=50),
    ]


class AdminSynonyms(Controller):
    """What means the same to shoppers of this shop."""

    path = "/admin/synonyms"
    tags = ["Search"]

    @get(
        operation_id="AdminListSynonyms",
        summary="Synonyms",
        guards=[requires("catalog:read", limited_by=COMMON)],
    )
    async def list_synonyms(self, storefront: StorefrontService) -> Page[Synonym]:
        """All groups on one page."""
        return Page(await storefront.vocabulary.synonyms())

    @post(
        operation_id="AdminAddSynonyms", summary="Add synonyms", guards=[requires("catalog:write")]
    )
    async def add_synonyms(
        self, data: SynonymInput, storefront: StorefrontService
    ) -> Response[Synonym]:
        """Counts from the next search on."""
        return _synonym(await storefront.vocabulary.add_synonym(_searchable(data)), status=201)

    @get(
        "/{synonym_id:uuid}",
        operation_id="AdminReadSynonyms",
        summary="A group of synonyms",
        guards=[requires("catalog:read", limited_by=COMMON)],
    )
    async def read_synonyms(
        self, synonym_id: UUID, storefront: StorefrontService
    ) -> Response[Synonym]:
        """With the ETag that changing it asks for."""
        return _synonym(await storefront.vocabulary.synonym(synonym_id))

    @put(
        "/{synonym_id:uuid}",
        operation_id="AdminChangeSynonyms",
        summary="Change a group of synonyms",
        guards=[requires("catalog:write")],
    )
    async def change_synonyms(
        self,
        request: Request[Any, Any, Any],
        synonym_id: UUID,
        data: SynonymInput,
        storefront: StorefrontService,
    ) -> Response[Synonym]:
        """The whole group at once."""
        words = _searchable(data)
        current = await storefront.vocabulary.synonym(synonym_id)
        require_match(request, current.version)
        changed = await storefront.vocabulary.change_synonym(
            synonym_id, words, version=current.version
        )
        return _synonym(changed)

    @delete(
        "/{synonym_id:uuid}",
        operation_id="AdminDeleteSynonyms",
        summary="Remove a group of synonyms",
        guards=[requires("catalog:write")],
    )
    async def delete_synonyms(
        self, request: Request[Any, Any, Any], synonym_id: UUID, storefront: StorefrontService
    ) -> None:
        """The words stay searchable, each by itself."""
        current = await storefront.vocabulary.synonym(synonym_id)
        require_match(request, current.version)
        await storefront.vocabulary.remove_synonym(synonym_id, version=current.version)


def _synonym(synonym: Synonym, *, status: int = 200) -> Response[Synonym]:
    return Response(synonym, status_code=status, headers={"etag": etag_of(synonym.version)})


def _searchable(data: SynonymInput) -> list[str]:
    """The words, unless one of them has nothing that search could find."""
    for number, word in enumerate(data.words):
        if not any(units(word)):
            message = f"{word!r} has no letter and no digit."
            raise Unprocessable(
                message, errors=(FieldError(f"/words/{number}", "unsearchable", message),)
            )
    return data.words

"""``/admin/promotions``: set promotions up, and see which kinds there are."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, delete, get, post, put
from msgspec import Meta, Struct

from commercekit.kernel import Page
from commercekit.platform.http import (
    Answer,
    IdempotentRun,
    Input,
    PageCursor,
    PageLimit,
    etag_of,
    idempotent,
    page_request,
    require_match,
    sealed_page,
)
from commercekit.platform.security import LimitKind, reach_of, requires
from commercekit.promotions.models import Lane, Promotion, PromotionCode, Scope
from commercekit.promotions.service import PromotionService

__all__ = ["AdminPromotions"]

_BY_MARKET = (LimitKind.MARKET,)
_Moment = Annotated[datetime, Meta(tz=True)] | None


class PromotionInput(Input):
    """All of a promotion but its code."""

    name: Annotated[
        dict[Annotated[str, Meta(max_length=20)], Annotated[str, Meta(max_length=200)]],
        Meta(min_length=1, max_length=20, description="What shoppers read, by language"),
    ]
    rule: Annotated[str, Meta(min_length=1, max_length=100)]
    config: Annotated[dict[str, Any], Meta(description="As the rule's schema says")]
    priority: Annotated[int, Meta(ge=-1000, le=1000)] = 0
    lane: Annotated[int, Meta(ge=0, le=999)] = int(Lane.ORDER)
    exclusive: bool = False
    active: bool = True
    starts_at: _Moment = None
    ends_at: _Moment = None
    coupons: Annotated[
        list[Annotated[str, Meta(pattern=r"^\S(?:.{0,62}\S)?$")]], Meta(max_length=1000)
    ] = []
    scope: Scope = Scope()


class NewPromotionInput(PromotionInput, kw_only=True):
    """A promotion to be made."""

    code: PromotionCode


class RuleView(Struct, frozen=True, kw_only=True):
    """A kind of promotion, with the JSON Schema of its settings."""

    code: str
    name: dict[str, str]
    plugin: str
    version: str
    schema: dict[str, Any]


class AdminPromotions(Controller):
    """The shop's promotions."""

    path = "/admin/promotions"
    tags = ["Promotions"]

    @get(
        operation_id="AdminListPromotions",
        summary="Promotions",
        guards=[requires("promotions:read", limited_by=_BY_MARKET)],
    )
    async def list_promotions(
        self,
        request: Request[Any, Any, Any],
        promotions: PromotionService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[Promotion]:
        """By code, those that are over or switched off included."""
        page = page_request(request, limit, cursor)
        return sealed_page(request, await promotions.promotions(page, reach=reach_of(request)))

    @get(
        "/rules",
        operation_id="AdminListPromotionRules",
        summary="Kinds of promotions",
        guards=[requires("promotions:read", limited_by=_BY_MARKET)],
    )
    async def list_rules(self, promotions: PromotionService) -> Page[RuleView]:
        """What the enabled plugins bring."""
        views = [
            RuleView(
                code=each.rule.code,
                name=dict(each.rule.name),
                plugin=each.plugin,
                version=each.version,
                schema=msgspec.json.schema(each.rule.config_type),
            )
            for each in promotions.rules()
        ]
        return Page(views, None, len(views))

    @post(
        operation_id="AdminCreatePromotion",
        summary="Set up a promotion",
        guards=[requires("promotions:write", limited_by=_BY_MARKET)],
    )
    async def create_promotion(
        self,
        request: Request[Any, Any, Any],
        data: NewPromotionInput,
        promotions: PromotionService,
    ) -> Response[Promotion]:
        """It counts from the next quote on, if it is active and in its period."""

        async def work(run: IdempotentRun) -> Answer:
            wanted = _promotion(data, data.code, id=run.id)
            created = await promotions.created(wanted, reach=reach_of(request))
            return Answer(201, created, {"ETag": etag_of(created.version)})

        return await idempotent(request, scope="promotions.create", work=work)

    @get(
        "/{code:str}",
        operation_id="AdminGetPromotion",
        summary="One promotion",
        guards=[requires("promotions:read", limited_by=_BY_MARKET)],
    )
    async def read_promotion(
        self, request: Request[Any, Any, Any], code: str, promotions: PromotionService
    ) -> Response[Promotion]:
        """With the ETag that changing it asks for."""
        return _answer(await promotions.promotion(code, reach=reach_of(request)))

    @put(
        "/{code:str}",
        operation_id="AdminReplacePromotion",
        summary="Replace a promotion",
        guards=[requires("promotions:write", limited_by=_BY_MARKET)],
    )
    async def replace_promotion(
        self,
        request: Request[Any, Any, Any],
        code: str,
        data: PromotionInput,
        promotions: PromotionService,
    ) -> Response[Promotion]:
        """What is left out goes back to its default."""
        reach = reach_of(request)
        current = await promotions.promotion(code, reach=reach)
        require_match(request, current.version)
        changed = await promotions.change(
            _promotion(data, code, id=current.id), expected=current.version, reach=reach
        )
        return _answer(changed)

    @delete(
        "/{code:str}",
        operation_id="AdminDeletePromotion",
        summary="Delete a promotion",
        guards=[requires("promotions:write", limited_by=_BY_MARKET)],
    )
    async def delete_promotion(
        self, request: Request[Any, Any, Any], code: str, promotions: PromotionService
    ) -> None:
        """Orders keep what it gave them."""
        reach = reach_of(request)
        current = await promotions.promotion(code, reach=reach)
        require_match(request, current.version)
        await promotions.delete(code, expected=current.version, reach=reach)


def _promotion(data: PromotionInput, code: str, *, id: UUID) -> Promotion:
    return Promotion(
        id=id,
        code=code,
        name=data.name,
        rule=data.rule,
        config=msgspec.Raw(msgspec.json.encode(data.config)),
        priority=data.priority,
        lane=data.lane,
        exclusive=data.exclusive,
        active=data.active,
        starts_at=data.starts_at,
        ends_at=data.ends_at,
        coupons=tuple(data.coupons),
        scope=data.scope,
    )


def _answer(promotion: Promotion) -> Response[Promotion]:
    return Response(promotion, headers={"ETag": etag_of(promotion.version)})

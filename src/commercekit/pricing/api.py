"""``/admin/price-lists`` and ``/admin/tax-rates``."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post, put
from litestar.params import QueryParameter
from msgspec import UNSET, Meta, UnsetType, structs

from commercekit.kernel import CountryCode, CurrencyCode, Money, Page
from commercekit.platform.http import (
    Input,
    PageCursor,
    PageLimit,
    etag_of,
    page_request,
    require_match,
    sealed_page,
)
from commercekit.platform.security import LimitKind, reach_of, requires
from commercekit.pricing.errors import Unpriced
from commercekit.pricing.models import ListedPrice, PriceExplanation, PriceList, RatePpm, TaxRate
from commercekit.pricing.service import PricingService

__all__ = ["AdminPriceExplanations", "AdminPriceLists", "AdminTaxRates"]

_BY_MARKET = (LimitKind.MARKET,)
_LIMITS = (LimitKind.MARKET, LimitKind.SEGMENT)
_Code = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
_Names = Annotated[
    dict[Annotated[str, Meta(max_length=20)], Annotated[str, Meta(max_length=200)]],
    Meta(max_length=20, description="By language, such as en and zh"),
]


_Priority = Annotated[int, Meta(ge=0, le=10_000, description="The list with the highest wins")]
MinQuantity = Annotated[
    int, QueryParameter(ge=1, le=1_000_000, description="From how many on; one without")
]


class PriceListInput(Input):
    """A new list; its currency is the market's unless named."""

    code: _Code
    market: _Code = "default"
    name: _Names = {}
    currency: CurrencyCode | None = None
    default: bool = False
    segment: _Code | None = None
    priority: _Priority = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    active: bool = True


class PriceListChange(Input):
    """What to change; what is left out stays. Market and currency are what its prices stand on."""

    name: _Names | UnsetType = UNSET
    segment: _Code | UnsetType | None = UNSET
    priority: _Priority | UnsetType = UNSET
    starts_at: datetime | UnsetType | None = UNSET
    ends_at: datetime | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


class PriceInput(Input):
    """What one costs, and the price crossed out beside it, if any."""

    amount: Money
    compare_at: Money | None = None


class TaxRateInput(Input, kw_only=True):
    """The tax on a class of goods that go to a country, or to one region of it."""

    tax_class: _Code
    country: CountryCode
    region: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    rate_ppm: RatePpm
    name: _Names = {}
    code: Annotated[
        _Code, Meta(description="Rates of several codes add up; a region's replaces its country's.")
    ] = "tax"
    position: Annotated[int, Meta(ge=0, le=100, description="Lower is reckoned first")] = 0
    compound: Annotated[
        bool,
        Meta(description="Taken of the price with the taxes before it, not of the price alone"),
    ] = False


class TaxRateChange(Input):
    """Figure and name; class and destination stay."""

    rate_ppm: RatePpm
    name: _Names


class AdminPriceLists(Controller):
    """Price lists and the prices in them."""

    path = "/admin/price-lists"
    tags = ["Pricing"]

    @get(
        operation_id="AdminListPriceLists",
        summary="Price lists",
        guards=[requires("prices:read", limited_by=_LIMITS)],
    )
    async def list_price_lists(
        self,
        request: Request[Any, Any, Any],
        pricing: PricingService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[PriceList]:
        """By code."""
        page = page_request(request, limit, cursor)
        return sealed_page(request, await pricing.price_lists(page, reach=reach_of(request)))

    @post(
        operation_id="AdminCreatePriceList",
        summary="Add a price list",
        guards=[requires("prices:write", limited_by=_LIMITS)],
    )
    async def create_price_list(
        self, request: Request[Any, Any, Any], data: PriceListInput, pricing: PricingService
    ) -> Response[PriceList]:
        """It starts empty. Where several hold, the one with the highest priority wins."""
        created = await pricing.add_price_list(
            data.code,
            data.market,
            data.name,
            currency=data.currency,
            is_default=data.default,
            segment=data.segment,
            priority=data.priority,
            starts_at=data.starts_at,
            ends_at=data.ends_at,
            active=data.active,
            reach=reach_of(request),
        )
        return _list(created, status=201)

    @get(
        "/{code:str}",
        operation_id="AdminGetPriceList",
        summary="One price list",
        guards=[requires("prices:read", limited_by=_LIMITS)],
    )
    async def read_price_list(
        self, request: Request[Any, Any, Any], code: str, pricing: PricingService
    ) -> Response[PriceList]:
        """With the ETag that changing it asks for."""
        return _list(await pricing.price_list(code, reach=reach_of(request)))

    @patch(
        "/{code:str}",
        operation_id="AdminChangePriceList",
        summary="Change a price list",
        guards=[requires("prices:write", limited_by=_LIMITS)],
    )
    async def change_price_list(
        self,
        request: Request[Any, Any, Any],
        code: str,
        data: PriceListChange,
        pricing: PricingService,
    ) -> Response[PriceList]:
        """Prices that shoppers see and that change with it are told at once."""
        reach = reach_of(request)
        current = await pricing.price_list(code, reach=reach)
        require_match(request, current.version)
        given = {k: v for k, v in structs.asdict(data).items() if v is not UNSET}
        changed = await pricing.change_price_list(
            code, expected=current.version, reach=reach, **given
        )
        return _list(changed)

    @get(
        "/{code:str}/prices",
        operation_id="AdminListPrices",
        summary="The prices of a list",
        guards=[requires("prices:read", limited_by=_LIMITS)],
    )
    async def list_prices(
        self,
        request: Request[Any, Any, Any],
        code: str,
        pricing: PricingService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[ListedPrice]:
        """By SKU."""
        page = page_request(request, limit, cursor)
        return sealed_page(
            request, await pricing.listed_prices(code, page, reach=reach_of(request))
        )

    @get(
        "/{code:str}/prices/{sku:str}",
        operation_id="AdminGetPrice",
        summary="One price",
        guards=[requires("prices:read", limited_by=_LIMITS)],
    )
    async def read_price(
        self,
        request: Request[Any, Any, Any],
        code: str,
        sku: str,
        pricing: PricingService,
        min_quantity: MinQuantity = 1,
    ) -> Response[ListedPrice]:
        """With the ETag that changing it asks for."""
        return _price(await pricing.listed_price(code, sku, min_quantity, reach=reach_of(request)))

    @put(
        "/{code:str}/prices/{sku:str}",
        operation_id="AdminPutPrice",
        summary="Set a price",
        guards=[requires("prices:write", limited_by=_LIMITS)],
    )
    async def put_price(
        self,
        request: Request[Any, Any, Any],
        code: str,
        sku: str,
        data: PriceInput,
        pricing: PricingService,
        min_quantity: MinQuantity = 1,
    ) -> Response[ListedPrice]:
        """A SKU's first price in a list needs no ``If-Match``, every later one does."""
        current: ListedPrice | None = None
        reach = reach_of(request)
        try:
            current = await pricing.listed_price(code, sku, min_quantity, reach=reach)
        except Unpriced:
            if "if-match" in request.headers:
                require_match(request, "absent")
        else:
            require_match(request, current.version)
        written = await pricing.put_price(
            code,
            sku,
            data.amount,
            data.compare_at,
            expected=current.version if current else None,
            min_quantity=min_quantity,
            reach=reach,
        )
        return _price(written, status=200 if current else 201)

    @delete(
        "/{code:str}/prices/{sku:str}",
        operation_id="AdminDeletePrice",
        summary="Take a price away",
        guards=[requires("prices:write", limited_by=_LIMITS)],
    )
    async def delete_price(
        self,
        request: Request[Any, Any, Any],
        code: str,
        sku: str,
        pricing: PricingService,
        min_quantity: MinQuantity = 1,
    ) -> None:
        """Without a price in any list that holds, a SKU cannot be bought."""
        reach = reach_of(request)
        current = await pricing.listed_price(code, sku, min_quantity, reach=reach)
        require_match(request, current.version)
        await pricing.delete_price(
            code, sku, expected=current.version, min_quantity=min_quantity, reach=reach
        )


class AdminPriceExplanations(Controller):
    """Why something costs what it costs."""

    path = "/admin/price-explanations"
    tags = ["Pricing"]

    @get(
        operation_id="AdminExplainPrice",
        summary="Which list's price counts, and why no other",
        guards=[requires("prices:read", limited_by=_BY_MARKET)],
    )
    async def explain(
        self,
        request: Request[Any, Any, Any],
        pricing: PricingService,
        sku: str,
        market: str = "default",
        quantity: MinQuantity = 1,
        segments: list[str] | None = None,
        at: datetime | None = None,
    ) -> PriceExplanation:
        """For so many of a SKU, a customer of these segments, at this moment or now."""
        return await pricing.explain(
            market,
            sku,
            quantity=quantity,
            segments=segments or (),
            at=at,
            reach=reach_of(request),
        )


class AdminTaxRates(Controller):
    """Tax by class of goods and destination."""

    path = "/admin/tax-rates"
    tags = ["Pricing"]

    @get(
        operation_id="AdminListTaxRates",
        summary="Tax rates",
        guards=[requires("prices:read", limited_by=_BY_MARKET)],
    )
    async def list_tax_rates(
        self, request: Request[Any, Any, Any], pricing: PricingService
    ) -> Page[TaxRate]:
        """By country, region and class; there are few, so all on one page."""
        rates = list(await pricing.tax_rates(reach=reach_of(request)))
        return Page(rates, None, len(rates))

    @post(
        operation_id="AdminCreateTaxRate",
        summary="Add a tax rate",
        guards=[requires("prices:write", limited_by=_BY_MARKET)],
    )
    async def create_tax_rate(
        self, request: Request[Any, Any, Any], data: TaxRateInput, pricing: PricingService
    ) -> Response[TaxRate]:
        """One for each class, destination and code.

        It counts in every market that delivers there: whoever is limited to some sets those of countries
        that no other market delivers to.
        """
        created = await pricing.add_tax_rate(
            data.tax_class,
            data.country,
            data.region,
            data.rate_ppm,
            data.name,
            code=data.code,
            position=data.position,
            compound=data.compound,
            reach=reach_of(request),
        )
        return _rate(created, status=201)

    @get(
        "/{rate_id:uuid}",
        operation_id="AdminGetTaxRate",
        summary="One tax rate",
        guards=[requires("prices:read", limited_by=_BY_MARKET)],
    )
    async def read_tax_rate(
        self, request: Request[Any, Any, Any], rate_id: UUID, pricing: PricingService
    ) -> Response[TaxRate]:
        """With the ETag that changing it asks for."""
        return _rate(await pricing.tax_rate(rate_id, reach=reach_of(request)))

    @patch(
        "/{rate_id:uuid}",
        operation_id="AdminChangeTaxRate",
        summary="Change a tax rate",
        guards=[requires("prices:write", limited_by=_BY_MARKET)],
    )
    async def change_tax_rate(
        self,
        request: Request[Any, Any, Any],
        rate_id: UUID,
        data: TaxRateChange,
        pricing: PricingService,
    ) -> Response[TaxRate]:
        """From the next quote on; orders keep the tax they were placed with."""
        current = await pricing.tax_rate(rate_id, reach=reach_of(request))
        require_match(request, current.version)
        changed = await pricing.change_tax_rate(
            rate_id,
            data.rate_ppm,
            data.name,
            expected=current.version,
            reach=reach_of(request),
        )
        return _rate(changed)

    @delete(
        "/{rate_id:uuid}",
        operation_id="AdminDeleteTaxRate",
        summary="Remove a tax rate",
        guards=[requires("prices:write", limited_by=_BY_MARKET)],
    )
    async def delete_tax_rate(
        self, request: Request[Any, Any, Any], rate_id: UUID, pricing: PricingService
    ) -> None:
        """What it taxed is taxed at the country's rate then, or at nothing."""
        current = await pricing.tax_rate(rate_id, reach=reach_of(request))
        require_match(request, current.version)
        await pricing.delete_tax_rate(rate_id, expected=current.version, reach=reach_of(request))


def _list(price_list: PriceList, *, status: int = 200) -> Response[PriceList]:
    return Response(price_list, status_code=status, headers={"ETag": etag_of(price_list.version)})


def _price(price: ListedPrice, *, status: int = 200) -> Response[ListedPrice]:
    return Response(price, status_code=status, headers={"ETag": etag_of(price.version)})


def _rate(rate: TaxRate, *, status: int = 200) -> Response[TaxRate]:
    return Response(rate, status_code=status, headers={"ETag": etag_of(rate.version)})

"""``/plugins/carrier-sandbox/parcels``: look at a parcel, and let its script go on."""

from typing import Annotated, Any

from litestar import get, post
from litestar.params import Parameter

from commercekit.platform.security import public
from commercekit_carrier_sandbox.depot import Depot
from commercekit_carrier_sandbox.models import ParcelView

__all__ = ["routes"]

_OPEN = public("a play parcel, for whoever knows its number")
_Number = Annotated[str, Parameter(pattern="^SB[0-9A-F]{16}$", description="The tracking number")]


def routes(depot: Depot) -> list[Any]:
    """The handlers; whoever knows a number may use them, as nobody's parcel moves."""

    @get(
        "/parcels/{number:str}",
        operation_id="CarrierSandboxGetParcel",
        summary="A sandbox parcel and what happened to it",
        tags=["Sandbox"],
        opt=_OPEN,
    )
    async def read(number: _Number) -> ParcelView:
        return await depot.view(number)

    @post(
        "/parcels/{number:str}/advance",
        operation_id="CarrierSandboxAdvanceParcel",
        summary="Let the next thing happen, and push it to the shop",
        status_code=200,
        tags=["Sandbox"],
        opt=_OPEN,
    )
    async def advance(number: _Number) -> ParcelView:
        return await depot.advance(number)

    return [read, advance]

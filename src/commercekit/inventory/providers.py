"""What decides which location serves an order: strategies, asked before anything is promised.

A strategy only proposes an order. It is pure, knows no stock numbers and is never called inside a
transaction; the guarded update that takes the stock decides, with the numbers of that moment.
"""

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from msgspec import Struct

from commercekit.inventory.models import Demand, Location
from commercekit.platform.plugins import since
from commercekit.platform.providers import FailurePolicy, ProviderKind, Verb

__all__ = [
    "ALLOCATION_STRATEGIES",
    "PLAN",
    "AllocationPlan",
    "AllocationRequest",
    "AllocationStrategy",
    "Destination",
]


class Destination(Struct, frozen=True):
    """Where the goods go, as roughly as a strategy needs it; never the street."""

    country: str
    region: str = ""
    postcode: str = ""


class AllocationRequest(Struct, frozen=True, kw_only=True):
    """What is to be sent where, and from which places it could come."""

    demands: tuple[Demand, ...]
    destination: Destination | None
    """``None`` while the shopper has not said where it goes."""
    market: str | None
    locations: tuple[Location, ...]
    """The active ones, in the order of their priority; empty for strategies that need none."""


class AllocationPlan(Struct, frozen=True):
    """In which order locations are asked. The default is the order of their priority."""

    locations: tuple[UUID, ...] = ()
    """These first, in this order; all others follow. Unknown ones are passed over."""
    most_stock_first: bool = False
    """Among those not named, the one that has most comes first."""


@since("0.1")
class AllocationStrategy(ABC):
    """One way to decide which location is asked first. Stateless; one object serves all orders."""

    code: ClassVar[str]
    """What ``[inventory] strategy`` names."""
    needs_locations: ClassVar[bool] = True
    """Whether :meth:`plan` looks at locations; without, one query less for each order."""

    @abstractmethod
    def plan(self, request: AllocationRequest) -> AllocationPlan:
        """Say who is asked first.

        One location that can serve a SKU alone goes before several that must share it, whatever the
        plan says: a second parcel costs more than a longer way.

        :param request: what is wanted, where it goes, and the locations.
        :returns: the order to ask in.
        :raises Exception: is logged, and the shop's own order counts for this time, unless the
            settings say ``closed``. So it does after half a second.
        """


PLAN: Final[Verb[AllocationPlan]] = Verb(
    "allocation",
    "plan",
    AllocationPlan,
    # It has the event loop for so long.
    deadline=timedelta(milliseconds=500),
    # A longer way is better than no order.
    policies=(FailurePolicy.OPEN, FailurePolicy.CLOSED),
)

ALLOCATION_STRATEGIES: Final = ProviderKind("allocation", "allocation strategy", (PLAN,))
"""What an allocation strategy is asked, and what the core does when it fails."""

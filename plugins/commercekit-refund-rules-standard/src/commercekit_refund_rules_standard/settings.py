"""What a shop decides for itself. Everything is off until it is set: no money moves by default."""

from typing import Annotated

from msgspec import Meta, Struct, field

from commercekit.orders import ReasonCode

__all__ = ["Settings"]

_Minor = Annotated[int, Meta(ge=0)]
_Days = Annotated[int, Meta(ge=1, le=3650)]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.refund-rules-standard]``."""

    reject_after_days: Annotated[
        _Days | None, Meta(description="Rejected when asked so many days after delivery.")
    ] = None
    person_reasons: Annotated[
        list[ReasonCode],
        Meta(
            description="Reasons that a person looks at, such as defective; asked before money is."
        ),
    ] = field(default_factory=list)
    most_claims: Annotated[
        Annotated[int, Meta(ge=0, le=100)] | None,
        Meta(
            description="A person looks when the customer has asked more often than this before.",
        ),
    ] = None
    claims_within_days: Annotated[_Days, Meta(description="How far back most_claims counts.")] = 365
    approve_up_to: Annotated[
        dict[str, _Minor],
        Meta(
            description="By currency, in minor units: more than this is always left to a person; "
            "a currency that is not named has no limit."
        ),
    ] = field(default_factory=dict)
    approve_unshipped: Annotated[
        bool, Meta(description="Approve money for goods none of which has left.")
    ] = False
    approve_small: Annotated[
        dict[str, _Minor],
        Meta(
            description="By currency, in minor units: up to this much is approved whatever it is for."
        ),
    ] = field(default_factory=dict)
    approve_returns_within_days: Annotated[
        _Days | None,
        Meta(
            description="Approve returns asked within so many days of delivery; money follows what "
            "arrives.",
        ),
    ] = None

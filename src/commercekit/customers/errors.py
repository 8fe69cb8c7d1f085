"""What customers refuse."""

from __future__ import annotations

from commercekit.errors import Conflict, NotFound, Unprocessable

__all__ = ["AddressNotFound", "SegmentExists", "SegmentNotFound", "TooManyAddresses"]


class AddressNotFound(NotFound):
    """The customer has no such address; somebody else's is never told apart."""


class SegmentNotFound(NotFound):
    """No segment has this code."""


class SegmentExists(Conflict):
    """The code belongs to another segment."""

    slug = "segment-exists"
    title = "Segment exists"
    title_zh = "客户分群已存在"


class TooManyAddresses(Unprocessable):
    """The address book is full."""

    slug = "too-many-addresses"
    title = "Address book full"
    title_zh = "地址簿已满"

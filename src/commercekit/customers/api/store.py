"""``/store/me/addresses``: a customer's address book."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, delete, get, post, put

from commercekit.customers.models import BookedAddress
from commercekit.customers.service import CustomerService
from commercekit.kernel import Address
from commercekit.platform.http import Input
from commercekit.platform.security import principal_of, signed_in

__all__ = ["StoreMyData"]


class AddressInput(Input):
    """An address for the book."""

    address: Address
    is_default: bool = False


class StoreMyData(Controller):
    """Everything here is the caller's own; nothing names an account."""

    path = "/store/me"
    tags = ["Customer accounts"]
    guards = [signed_in()]

    @get("/addresses", operation_id="ListMyAddresses", summary="My address book")
    async def addresses(
        self, request: Request[Any, Any, Any], customers: CustomerService
    ) -> list[BookedAddress]:
        """The first choice first, then the latest."""
        return await customers.addresses(_me(request))

    @post("/addresses", operation_id="AddMyAddress", summary="Write an address into my book")
    async def add(
        self, request: Request[Any, Any, Any], data: AddressInput, customers: CustomerService
    ) -> BookedAddress:
        """The first one is the first choice."""
        return await customers.add_address(_me(request), data.address, is_default=data.is_default)

    @put(
        "/addresses/{address_id:uuid}", operation_id="ChangeMyAddress", summary="Replace an address"
    )
    async def change(
        self,
        request: Request[Any, Any, Any],
        address_id: UUID,
        data: AddressInput,
        customers: CustomerService,
    ) -> BookedAddress:
        """The first choice stays it until another becomes it."""
        return await customers.change_address(
            _me(request), address_id, data.address, is_default=data.is_default
        )

    @delete(
        "/addresses/{address_id:uuid}", operation_id="RemoveMyAddress", summary="Remove an address"
    )
    async def remove(
        self, request: Request[Any, Any, Any], address_id: UUID, customers: CustomerService
    ) -> None:
        """If it was the first choice, the latest becomes it."""
        await customers.remove_address(_me(request), address_id)


def _me(request: Request[Any, Any, Any]) -> UUID:
    account_id = principal_of(request).account_id
    assert account_id is not None  # noqa: S101 - the guard saw to it
    return account_id

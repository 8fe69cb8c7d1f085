"""Customers over HTTP."""

from commercekit.customers.api.admin import AdminCustomers, AdminSegments
from commercekit.customers.api.store import StoreMyData

__all__ = ["AdminCustomers", "AdminSegments", "StoreMyData", "controllers"]

controllers = (AdminCustomers, AdminSegments, StoreMyData)

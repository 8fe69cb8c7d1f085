"""Payments over HTTP: staff's side. What shoppers see of them belongs to their orders."""

from commercekit.payments.api.admin import AdminPayments, AdminRefunds
from commercekit.payments.api.books import AdminDifferences, AdminLedger, AdminStatements
from commercekit.payments.api.disputes import AdminDisputes

__all__ = [
    "AdminDifferences",
    "AdminDisputes",
    "AdminLedger",
    "AdminPayments",
    "AdminRefunds",
    "AdminStatements",
]

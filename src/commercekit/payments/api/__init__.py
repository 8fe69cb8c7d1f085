"""Payments over HTTP: staff's side. What shoppers see of them belongs to their orders."""

from commercekit.payments.api.admin import AdminPayments, AdminRefunds
from commercekit.payments.api.books import AdminDifferences, AdminLedger, AdminStatements
from commercekit.payments.api.cash import AdminCash, AdminHandIns
from commercekit.payments.api.disputes import AdminDisputes

__all__ = [
    "AdminCash",
    "AdminDifferences",
    "AdminDisputes",
    "AdminHandIns",
    "AdminLedger",
    "AdminPayments",
    "AdminRefunds",
    "AdminStatements",
]

"""Words that every domain shares: money, ids, time, states, facts, pages, texts, addresses. Pure."""

from commercekit.kernel.addresses import Address, CountryCode, PhoneNumber
from commercekit.kernel.clock import Clock, SystemClock
from commercekit.kernel.events import DomainEvent
from commercekit.kernel.ids import id_at, lowest_after, month_bounds, new_id, time_of
from commercekit.kernel.money import (
    CurrencyCode,
    CurrencyMismatch,
    Money,
    allocate,
    exponent,
    round_half_up,
)
from commercekit.kernel.pages import MAX_PAGE, Page, PageRequest
from commercekit.kernel.states import StateTable
from commercekit.kernel.texts import Translations, parse_accept_language, pick

__all__ = [
    "MAX_PAGE",
    "Address",
    "Clock",
    "CountryCode",
    "CurrencyCode",
    "CurrencyMismatch",
    "DomainEvent",
    "Money",
    "Page",
    "PageRequest",
    "PhoneNumber",
    "StateTable",
    "SystemClock",
    "Translations",
    "allocate",
    "exponent",
    "id_at",
    "lowest_after",
    "month_bounds",
    "new_id",
    "parse_accept_language",
    "pick",
    "round_half_up",
    "time_of",
]

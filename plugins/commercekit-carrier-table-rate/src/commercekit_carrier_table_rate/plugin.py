"""What the plugin brings."""

from __future__ import annotations

from collections.abc import Sequence

from commercekit import hookimpl
from commercekit.fulfilment import Carrier
from commercekit_carrier_table_rate.carrier import TableRateCarrier


@hookimpl
def register_carriers() -> Sequence[Carrier]:
    """One carrier, ``table-rate``; its table stands in the settings of its accounts."""
    return [TableRateCarrier()]

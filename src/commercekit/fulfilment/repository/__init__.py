"""Every query on fulfilment's tables. Gives models, never rows."""

from commercekit.fulfilment.repository.reading import (
    SEALED,
    Consignment,
    Link,
    Reader,
    ShipmentReading,
)
from commercekit.fulfilment.repository.shipments import NewShipment, ShipmentRepository

__all__ = [
    "SEALED",
    "Consignment",
    "Link",
    "NewShipment",
    "Reader",
    "ShipmentReading",
    "ShipmentRepository",
]

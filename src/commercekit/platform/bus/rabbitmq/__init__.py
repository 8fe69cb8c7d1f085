"""RabbitMQ behind the bus. The only home of aio-pika; imported only where ``bus.url`` is set."""

from commercekit.platform.bus.rabbitmq.desk import BrokerDesk, QueueState
from commercekit.platform.bus.rabbitmq.topology import QueueSpec, Topology
from commercekit.platform.bus.rabbitmq.transport import RabbitTransport

__all__ = ["BrokerDesk", "QueueSpec", "QueueState", "RabbitTransport", "Topology"]

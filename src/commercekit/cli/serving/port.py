"""The port, taken or refused before the server starts: granian would share it silently."""

from __future__ import annotations

import socket
import time

import psutil

from commercekit.errors import ConfigurationError

__all__ = ["claim_port"]

_STEP = 0.1


def claim_port(host: str, port: int, *, patience: float = 0.0) -> int:
    """The port to listen on: ``port`` itself, or a free one for 0.

    Raises :class:`~commercekit.errors.ConfigurationError` when somebody listens there already, who
    would get half of the requests. Waits up to ``patience`` seconds for a dying predecessor.
    """
    until = time.monotonic() + patience
    while True:
        try:
            return _bind(host, port)
        except OSError as error:
            if time.monotonic() < until:
                time.sleep(_STEP)
                continue
            message = (
                f"Port {port} of {host} cannot be used: {_holder(port) or error.strerror}; stop "
                "that, or choose another with --port (make run PORT=8001)"
            )
            raise ConfigurationError(message) from error


def _bind(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen(1)  # only this tells a listener that shares its address
        return int(probe.getsockname()[1])


def _holder(port: int) -> str:
    """Who listens there, as far as we may see it."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return ""
    for each in connections:
        if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port:
            return f"process {each.pid} listens there" if each.pid else "somebody listens there"
    return ""

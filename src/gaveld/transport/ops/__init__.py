"""Plain HTTP for whoever runs the server: /metrics, /livez and /readyz."""

from gaveld.transport.ops.server import OpsServer

__all__ = ["OpsServer"]

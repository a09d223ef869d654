"""The REST gateway: the contract over HTTP and WebSockets, by a channel to a gRPC server.

Vendors' dialects are further surfaces beside it; ``surfaces`` says how to add one.
"""

from gaveld.transport.rest.contract import ContractSurface, contract_services
from gaveld.transport.rest.gateway import Gateway, GatewayOptions
from gaveld.transport.rest.metrics import RestMetrics
from gaveld.transport.rest.pages import Pages
from gaveld.transport.rest.playground import Playground
from gaveld.transport.rest.review_page import ReviewPage
from gaveld.transport.rest.server import RestServer, RestServerOptions
from gaveld.transport.rest.tls import Certificates
from gaveld.transport.rest.upstream import Upstream, UpstreamOptions

__all__ = [
    "Certificates",
    "ContractSurface",
    "Gateway",
    "GatewayOptions",
    "Pages",
    "Playground",
    "RestMetrics",
    "RestServer",
    "RestServerOptions",
    "ReviewPage",
    "Upstream",
    "UpstreamOptions",
    "contract_services",
]

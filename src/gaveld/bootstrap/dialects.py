"""Names the vendors' dialects that the REST gateway can serve."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from gaveld.transport.rest.dialects.acs import AcsDialect
from gaveld.transport.rest.dialects.apollo import ApolloDialect
from gaveld.transport.rest.dialects.contentmod import ContentModDialect
from gaveld.transport.rest.dialects.discuse import DiscuseDialect
from gaveld.transport.rest.dialects.openai import OpenAiDialect
from gaveld.transport.rest.dialects.perspective import PerspectiveDialect
from gaveld.transport.rest.surfaces import Surface

DIALECTS: Final[Mapping[str, Callable[[], Surface]]] = MappingProxyType(
    {
        "acs": AcsDialect,
        "apollo": ApolloDialect,
        "contentmod": ContentModDialect,
        "discuse": DiscuseDialect,
        "openai": OpenAiDialect,
        "perspective": PerspectiveDialect,
    }
)
"""What makes each dialect, by the name that ``rest.dialects`` knows it by."""

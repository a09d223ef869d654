"""The probe's messages."""

from pathlib import Path

import pytest
from google.protobuf.message_factory import GetMessageClass

from tests.conformance.probe import descriptor_set, probe_service


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> type:
    """The message class that has a field of every kind."""
    folder: Path = tmp_path_factory.mktemp("probe")
    service = probe_service(descriptor_set(folder))
    return GetMessageClass(service.methods_by_name["ByBody"].input_type)

"""What the client distribution ships beside the contract: settings that retry as promised."""

import json
from concurrent import futures

import grpc
import pytest
from gavel.service_config import channel_options, service_config_json
from gavel.v1 import category_service_pb2, category_service_pb2_grpc


class FailingCategories(category_service_pb2_grpc.CategoryServiceServicer):
    """Answers UNAVAILABLE a number of times before it answers."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0

    def ListCategories(  # noqa: N802 - named by the contract
        self, request: category_service_pb2.ListCategoriesRequest, context: grpc.ServicerContext
    ) -> category_service_pb2.ListCategoriesResponse:
        """Fail until the failures are used up."""
        self.calls += 1
        if self.calls <= self.failures:
            context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
        return category_service_pb2.ListCategoriesResponse()


def call(servicer: FailingCategories) -> None:
    """Call a server of `servicer` once through a channel with the shipped options."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    category_service_pb2_grpc.add_CategoryServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=channel_options()) as channel:
            stub = category_service_pb2_grpc.CategoryServiceStub(channel)
            stub.ListCategories(category_service_pb2.ListCategoriesRequest(), timeout=10)
    finally:
        server.stop(None).wait()


def test_the_service_config_says_what_is_documented() -> None:
    """Four attempts, 0.1 s to 1 s apart, doubling, for every method, throttled at 10 and 0.1."""
    config = json.loads(service_config_json())
    (every_method,) = config["methodConfig"]
    assert every_method["name"] == [{}]
    assert every_method["retryPolicy"] == {
        "maxAttempts": 4,
        "initialBackoff": "0.1s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
    }
    assert config["retryThrottling"] == {"maxTokens": 10, "tokenRatio": 0.1}


def test_a_call_survives_three_failures() -> None:
    """The config is in force: three UNAVAILABLE answers are retried, and the fourth one counts."""
    servicer = FailingCategories(failures=3)
    call(servicer)
    assert servicer.calls == 4


def test_a_call_is_tried_four_times_and_no_more() -> None:
    """A server that stays down is left in peace after the fourth attempt."""
    servicer = FailingCategories(failures=100)
    with pytest.raises(grpc.RpcError) as failure:
        call(servicer)
    assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
    assert servicer.calls == 4

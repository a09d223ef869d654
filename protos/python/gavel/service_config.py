"""Hands out the gRPC service config that a client of Gavel should dial with.

It retries what the server says may be retried (UNAVAILABLE and RESOURCE_EXHAUSTED: 4 attempts,
0.1 s to 1 s apart, doubling) and stops retrying when most calls fail. It opens no channel.

    channel = grpc.aio.insecure_channel(target, options=channel_options())
"""

from importlib import resources


def service_config_json() -> str:
    """The service config as the JSON text that gRPC takes for `grpc.service_config`."""
    return resources.files("gavel").joinpath("service_config.json").read_text(encoding="utf-8")


def channel_options() -> list[tuple[str, str | int]]:
    """Channel options that put the service config in force, for grpc and grpc.aio alike."""
    return [("grpc.enable_retries", 1), ("grpc.service_config", service_config_json())]

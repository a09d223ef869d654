"""Redis over TLS, which the server of the tests does not have: a proxy puts it before it."""

from contextlib import AsyncExitStack
from pathlib import Path

from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.bootstrap.settings import RedisSettings, Settings
from gaveld.bootstrap.sharing import open_sharing
from tests.certificates import self_signed
from tests.redis_server import running_redis
from tests.tls_proxy import encrypted
from tests.unit.bootstrap.test_sharing import state


async def test_redis_over_tls_is_proven(tmp_path: Path):
    """Law: ``rediss://`` reaches a server that ``ca_file`` proves, and no other."""
    certificate, key = self_signed(tmp_path, "redis")
    other, _ = self_signed(tmp_path, "other")
    password = tmp_path / "password"
    password.write_text("first\n")
    async with running_redis("--requirepass", "first") as server, AsyncExitStack() as stack:
        socket = Path(server.url.removeprefix("unix://"))
        port = await stack.enter_async_context(encrypted(socket, certificate, key))

        async def reached(url: str, ca_file: Path | None, *, wait: bool = False) -> str:
            telemetry = PrometheusTelemetry()
            redis = RedisSettings(
                url=url, ca_file=ca_file, password_file=password, timeout_seconds=5
            )
            async with AsyncExitStack() as of_one:
                link = (await open_sharing(Settings(redis=redis), of_one, telemetry))._link
                if wait and not link.is_up:
                    await link._probe  # a busy machine is no outage
                return state(telemetry)

        url = f"rediss://127.0.0.1:{port}/0"
        assert await reached(url, certificate, wait=True) == "up"
        assert await reached(url, other) == "down"
        assert await reached(url, None) == "down"
        assert await reached(url.replace("127.0.0.1", "localhost"), certificate) == "down"
        assert await reached(url.replace("rediss", "redis"), None) == "down"

"""PostgreSQL over TLS, which the server of the tests does not have: a proxy puts it before it."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from gaveld.bootstrap.settings import SettingsError
from gaveld.bootstrap.stores import migrate_storage, open_engine
from tests.certificates import self_signed
from tests.databases import Postgres
from tests.tls_proxy import REQUEST, encrypted


async def test_the_server_is_proven(postgres: Postgres, tmp_path: Path):
    """Law: ``sslmode=verify-full`` takes no server but one that ``sslrootcert`` vouches for."""
    certificate, key = self_signed(tmp_path, "postgres")
    other, _ = self_signed(tmp_path, "other")
    database = make_url(await postgres.new_url()).database
    socket = postgres.socket_folder / ".s.PGSQL.5432"
    async with encrypted(socket, certificate, key, is_postgres=True) as port, AsyncExitStack() as s:
        url = f"postgresql://gavel@127.0.0.1:{port}/{database}?sslmode="
        assert await migrate_storage(f"{url}verify-full&sslrootcert={certificate}")
        engine = await open_engine(f"{url}verify-full&sslrootcert={certificate}", s)
        async with engine.connect() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
        assert not await migrate_storage(f"{url}require")
        wrong_name = url.replace("127.0.0.1", "localhost")
        assert not await migrate_storage(f"{wrong_name}verify-ca&sslrootcert={certificate}")
        for refused in (
            f"{url}verify-full&sslrootcert={other}",
            f"{url}require&sslrootcert={other}",
            f"{url}verify-full&sslrootcert=system",
            f"{url}verify-full",
            f"{url}verify-full&sslrootcert={tmp_path}/none",
            f"{wrong_name}verify-full&sslrootcert={certificate}",
            f"{url}nonsense",
        ):
            with pytest.raises(SettingsError, match=r"storage\.url: can't be opened"):
                await migrate_storage(refused)


async def test_a_server_without_tls_hears_nothing():
    """Law: who asks for TLS does not go on without it."""
    heard = bytearray()
    refusing = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        refusing.append(asyncio.current_task())
        heard.extend(await reader.readexactly(len(REQUEST)))
        writer.write(b"N")
        heard.extend(await reader.read())
        writer.close()

    impostor = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with impostor:
        port = impostor.sockets[0].getsockname()[1]
        url = f"postgresql://gavel:hidden@127.0.0.1:{port}/gavel"
        for mode in ("verify-full", "verify-ca", "require"):
            with pytest.raises(SettingsError, match=r"storage\.url: can't be opened"):
                await migrate_storage(f"{url}?sslmode={mode}")
        await asyncio.gather(*refusing)
    assert bytes(heard) == 3 * REQUEST

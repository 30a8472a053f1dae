import asyncio

import pytest

from tests.faults.proxy import Proxy


@pytest.fixture
async def proxy():
    """A proxy before a server that echoes."""

    async def echo(reader, writer):
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async with (
        await asyncio.start_server(echo, "127.0.0.1", 0) as server,
        Proxy(server.sockets[0].getsockname()[1]) as proxy,
    ):
        yield proxy


@pytest.fixture
async def connection(proxy):
    reader, writer = await asyncio.open_connection(*proxy.target.split(":"))
    writer.write(b"before")
    assert await reader.read(100) == b"before"
    yield reader, writer
    writer.transport.abort()


async def test_what_was_sent_into_a_cut_arrives_when_it_is_healed(proxy, connection):
    reader, writer = connection
    proxy.cut()
    writer.write(b"during")
    arriving = asyncio.create_task(reader.read(100))
    done, _ = await asyncio.wait({arriving}, timeout=0.1)
    assert not done

    proxy.heal()

    assert await arriving == b"during"


async def test_a_reset_is_noticed_at_once(proxy, connection):
    reader, _ = connection

    proxy.reset()

    with pytest.raises(ConnectionResetError):
        await reader.read(100)


async def test_a_half_closed_connection_sends_no_more(proxy, connection):
    reader, _ = connection

    proxy.half_close()

    assert await reader.read(100) == b""

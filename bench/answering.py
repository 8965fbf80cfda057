"""A server that answers every request with `{}`: AWS without its work, so that a client's own time can be measured.

Run by `cost_measure` as a process of its own, until it is killed; prints its port.
"""

import asyncio

_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n"
    b"x-amzn-RequestId: 00000000-0000-4000-8000-000000000000\r\n\r\n{}"
)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await _head(reader):
        lengths = [
            line.partition(b":")[2]
            for line in head.splitlines()
            if line.lower().startswith(b"content-length:")
        ]
        await reader.readexactly(int(lengths[0]) if lengths else 0)
        writer.write(_ANSWER)
    writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())

"""Clients that leave early, and clients that write all before they read."""

import asyncio
import re
import socket
import struct
from collections import Counter

from tests.smoke.test_server import ADMIN, Inkwell, inkwell  # noqa: F401  # a fixture

ABORTS = 60


async def bearer(inkwell: Inkwell) -> str:  # noqa: F811
    return str((await inkwell.client.post("/api/auth/login", json=ADMIN)).json()["access_token"])


async def abort(port: int, request: bytes, after_s: float) -> None:
    """Sends the request and breaks the connection off, with a reset."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await asyncio.sleep(after_s)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def in_use(inkwell: Inkwell) -> int:  # noqa: F811
    found = re.search(r"^inkwell_database_connections_in_use (\d+)", (await inkwell.client.get("/metrics")).text, re.M)
    assert found
    return int(found[1])


async def test_what_a_client_began_that_left_is_there_whole_or_not_at_all(inkwell: Inkwell) -> None:  # noqa: F811
    token, content = await bearer(inkwell), "x" * 5000
    for number in range(ABORTS):
        body = f'{{"title": "Left {number}", "content": "{content}", "published": true}}'
        head = f"POST /api/posts HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        request = f"{head}\r\nAuthorization: Bearer {token}\r\n\r\n{body}".encode()
        await abort(inkwell.port, request, after_s=number % 20 / 1000)
    async with asyncio.timeout(60):
        while await in_use(inkwell):  # noqa: ASYNC110  # what was begun for those who left
            await asyncio.sleep(0.1)
    posts = (await inkwell.client.get("/api/posts?limit=100")).json()["data"]
    left = Counter(post["title"] for post in posts if post["title"].startswith("Left"))
    assert set(left.values()) <= {1}
    assert {len(post["content"]) for post in posts if post["title"] in left} <= {len(content)}
    assert (await inkwell.client.get("/readyz")).status_code == 200


async def test_a_client_that_writes_all_before_it_reads_learns_that_it_was_too_much(
    inkwell: Inkwell,  # noqa: F811
) -> None:
    size = 6_000_000
    reader, writer = await asyncio.open_connection("127.0.0.1", inkwell.port)
    head = b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    writer.write(head % size)
    for _ in range(size // 60_000):
        writer.write(b"x" * 60_000)
        await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"body_too_large"' in answer


async def test_a_client_that_never_ends_what_was_refused_is_left(inkwell: Inkwell) -> None:  # noqa: F811
    answer = await inkwell.raw(b"POST /nope HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\nx")
    assert answer.startswith(b"HTTP/1.1 404 ")


async def test_a_target_that_is_all_query_is_a_bad_request(inkwell: Inkwell) -> None:  # noqa: F811
    reader, writer = await asyncio.open_connection("127.0.0.1", inkwell.port)
    writer.write(b"GET ?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), 30)).startswith(b"HTTP/1.1 400 ")
    writer.close()

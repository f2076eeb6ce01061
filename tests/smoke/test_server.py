"""The real program, started as people start it, spoken to over the wire."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.conftest import SECRET, Server, open_folder
from tests.support import PASSWORD

readings: set[asyncio.Task[bytes]] = set()
ADMIN = {"email": "root@example.com", "password": PASSWORD}


@dataclass
class Inkwell:
    """A running `inkwell serve`."""

    process: asyncio.subprocess.Process
    url: str
    client: httpx.AsyncClient
    server: str

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def raw(self, request: bytes) -> bytes:
        """All that comes back until the server closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return answer


async def start(cwd: Path, **environment: str) -> tuple[asyncio.subprocess.Process, str]:
    """The process, and the URL that it says it serves on."""
    process, url = await start_aloud(cwd, **environment)
    drain(process)
    return process, url


async def start_aloud(cwd: Path, **environment: str) -> tuple[asyncio.subprocess.Process, str]:
    """The same, for a caller who reads what else it says."""
    names = {"PORT": "0", "WORKERS": "1", "PYTHONUNBUFFERED": "1"} | environment
    command = (sys.executable, "-m", "inkwell", "serve")
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=os.environ | names, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    async with asyncio.timeout(120):
        async for line in process.stdout:
            if b"serves on " in line:
                return process, line.split(b"serves on ")[1].split()[0].decode()
    raise AssertionError("it ended before it served")


def drain(process: asyncio.subprocess.Process) -> None:
    """Reads on until the end: a server whose output nobody takes stands still once the pipe is full."""
    assert process.stdout
    reading = asyncio.create_task(process.stdout.read())
    readings.add(reading)
    reading.add_done_callback(readings.discard)


async def stop(process: asyncio.subprocess.Process) -> int:
    process.send_signal(signal.SIGINT)
    return await process.wait()


@pytest.fixture(scope="module", params=["hypercorn", "uvicorn"])
async def inkwell(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: Server, template: str
) -> AsyncIterator[Inkwell]:
    url = await server.create(template)
    admin = {"ADMIN_EMAIL": ADMIN["email"], "ADMIN_PASSWORD": ADMIN["password"]}
    folder = tmp_path_factory.mktemp("smoke")
    process, address = await start(
        folder,
        DATABASE_URL=url,
        JWT_SECRET_KEY=SECRET,
        ENV="production",
        DRAIN_SECONDS="0",
        SERVER=request.param,
        **admin,
    )
    async with httpx.AsyncClient(base_url=address, http2=False) as client:
        yield Inkwell(process, address, client, request.param)
    assert await stop(process) == 0
    await server.drop(url)


async def test_a_person_signs_in_writes_and_is_read(inkwell: Inkwell) -> None:
    signed_in = (await inkwell.client.post("/api/auth/login", json=ADMIN)).json()
    bearer = {"Authorization": f"Bearer {signed_in['access_token']}"}
    new = {"title": "Over the wire", "content": "Hello.", "published": True}
    made = await inkwell.client.post("/api/posts", json=new, headers=bearer)
    assert made.status_code == 201
    read = await inkwell.client.get(made.headers["Location"])
    assert read.json() == made.json()
    gone = await inkwell.client.delete(made.headers["Location"], headers=bearer)
    assert (gone.status_code, gone.content) == (204, b"")
    assert not {"content-length", "content-type", "server"} & set(gone.headers)


async def test_head_is_get_without_the_body(inkwell: Inkwell) -> None:
    head, get = await inkwell.client.head("/api/posts"), await inkwell.client.get("/api/posts")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        (b"GET /api/posts HTTP/1.1", b"Host: [", 200),
        (b"GET http://evil.example/api/posts HTTP/1.1", b"Host: evil.example", 200),
        (b"OPTIONS * HTTP/1.1", b"Host: a", 404),
        (b"GET /api/posts%0d%0aX-Evil:1 HTTP/1.1", b"Host: a", 404),
        (b"GET /api/posts?q=%FF HTTP/1.1", b"Host: a", 400),
        (b"GET /api/users/%00 HTTP/1.1", b"Host: a", 401),
        (b"GET /api/posts HTTP/1.1", b"Host: a\r\nX-Long: " + b"x" * 20_000, 431),
        (b"PROPFIND /api/posts HTTP/1.1", b"Host: a", 405),
    ],
)
async def test_strange_requests_get_the_contracts_answer(
    inkwell: Inkwell, request_line: bytes, headers: bytes, status: int
) -> None:
    answer = await inkwell.raw(request_line + b"\r\n" + headers + b"\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"x-request-id: " in answer
    assert (b'"request_id":' in answer) is (status >= 400)


@pytest.mark.parametrize("request_line", [b"nonsense", b"GET /api/posts?q=\xff HTTP/1.1", b"GET /\x00 HTTP/1.1"])
async def test_what_is_no_http_gets_a_bare_400(inkwell: Inkwell, request_line: bytes) -> None:
    assert (await inkwell.raw(request_line + b"\r\nHost: a\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_a_method_that_nobody_knows_is_refused(inkwell: Inkwell) -> None:
    answer = await inkwell.raw(b"FOO /api/posts HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    status = {"hypercorn": b"405", "uvicorn": b"400"}[inkwell.server]  # uvicorn's parser has a list of all methods
    assert answer.startswith(b"HTTP/1.1 " + status)


async def test_a_websocket_handshake_is_answered_as_a_get(inkwell: Inkwell) -> None:
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    answer = await inkwell.raw(b"GET /nope HTTP/1.1\r\nHost: a\r\n" + upgrade + key + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'"code":"not_found"' in answer


@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length: 99999999\r\n\r\n{",
        b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 17,
    ],
)
async def test_a_body_above_the_limit_is_refused_before_its_end(inkwell: Inkwell, sent: bytes) -> None:
    head = b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    answer = await inkwell.raw(head + sent)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"body_too_large"' in answer


async def test_the_embedded_database_makes_it_one_command() -> None:
    with open_folder() as folder:
        for _ in range(2):  # the second start finds what the first one made
            process, url = await start(folder, DATA_DIR=str(folder / "my data"))
            async with httpx.AsyncClient(base_url=url) as client:
                assert (await client.get("/readyz")).json() == {"status": "ready"}
            assert await stop(process) == 0


async def test_a_server_without_its_database_becomes_ready_when_that_appears(tmp_path: Path, server: Server) -> None:
    url = server.url_of("inkwell_test_that_comes_later")
    process, address = await start(tmp_path, DATABASE_URL=url, JWT_SECRET_KEY=SECRET, ENV="testing")
    async with httpx.AsyncClient(base_url=address) as client:
        assert [(await client.get(path)).status_code for path in ("/healthz", "/readyz", "/api/posts")] == [
            200,
            503,
            503,
        ]
        await server.run("CREATE DATABASE inkwell_test_that_comes_later")
        async with asyncio.timeout(120):
            while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert (await client.get("/api/posts")).status_code == 200
    assert await stop(process) == 0
    await server.drop(url)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL"),
        ({"ENV": "production"}, "JWT_SECRET_KEY"),
        ({"PORT": "eighty"}, "PORT"),
        ({"HOST": "256.1.1.1", "DATABASE_URL": "postgres://localhost/x"}, "HOST"),
        ({"DATA_DIR": "/proc/nowhere"}, "DATA_DIR"),
        ({"ADMIN_EMAIL": "root@example.com"}, "ADMIN_PASSWORD"),
        ({"ADMIN_EMAIL": "nope", "ADMIN_PASSWORD": "x", "DATABASE_URL": "postgres://localhost/x"}, "ADMIN_EMAIL"),
    ],
)
async def test_bad_configuration_ends_with_a_clear_sentence(
    tmp_path: Path, environment: dict[str, str], sentence: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "inkwell", "serve"),
        cwd=tmp_path,
        env=os.environ | {"PORT": "0"} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await asyncio.wait_for(process.communicate(), 20))[0].decode()
    assert process.returncode == 1
    assert sentence in output
    assert "Traceback" not in output

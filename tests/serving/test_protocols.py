"""What comes over the wire: TLS, HTTP/2, and the limits of both servers."""

import asyncio
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from inkwell.servers import tls_context
from inkwell.settings import ConfigurationError
from inkwell.worker import LAST_REQUESTS_SECONDS

from .load import REQUEST, hammering, read_answer, until_answered
from .server import PATIENCE_S, Server, started
from .test_serving import changed

SERVERS = [("hypercorn", "asyncio"), ("uvicorn", "uvloop")]


@pytest.fixture(params=SERVERS, ids="-".join)
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    name, loop = request.param
    async with started(SERVER=name, EVENT_LOOP=loop, WORKERS="1", DRAIN_SECONDS="0") as running:
        await running.serving()
        yield running


def certified(folder: Path, name: str = "localhost") -> dict[str, str]:
    """A new certificate for 127.0.0.1 and its key in the folder, as settings."""
    files = {"TLS_CERTIFICATE": str(folder / "certificate.pem"), "TLS_KEY": str(folder / "key.pem")}
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", files["TLS_KEY"], "-out", files["TLS_CERTIFICATE"], "-days", "2"]
    command += ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return files


async def talk(server: Server, *parts: bytes) -> bytes:
    """All that comes back until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    answer = asyncio.create_task(reader.read())
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.05)
    async with asyncio.timeout(PATIENCE_S):
        found = await answer
    writer.close()
    return found


async def names(port: int, trusted: str) -> str:
    """The common name of the certificate that is shown now."""
    context = ssl.create_default_context(cafile=trusted)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    shown = writer.get_extra_info("peercert")
    writer.close()
    return str(dict(shown["subject"][0])["commonName"])


@pytest.mark.parametrize(("name", "version"), [("hypercorn", "HTTP/2"), ("uvicorn", "HTTP/1.1")])
async def test_with_a_certificate_it_speaks_https(tmp_path: Path, name: str, version: str) -> None:
    files = certified(tmp_path)
    async with started(SERVER=name, WORKERS="1", **files) as server:
        assert await server.line("serving https:")
        server.port = int(server.lines[-1].rpartition(":")[2])
        trust = ssl.create_default_context(cafile=files["TLS_CERTIFICATE"])
        async with httpx.AsyncClient(http2=True, verify=trust, base_url=f"https://127.0.0.1:{server.port}") as client:
            answer = await client.get("/pid")
            assert (answer.status_code, answer.http_version) == (200, version)
        async with httpx.AsyncClient(verify=trust, base_url=f"https://127.0.0.1:{server.port}") as client:
            assert (await client.get("/pid")).http_version == "HTTP/1.1"


async def test_a_renewed_certificate_is_taken_at_sighup_and_a_broken_one_is_not(tmp_path: Path) -> None:
    files = certified(tmp_path, "first")
    async with started(WORKERS="1", **files) as server:
        port = int((await server.line("serving https:")).rpartition(":")[2])
        assert await names(port, files["TLS_CERTIFICATE"]) == "first"
        Path(files["TLS_KEY"]).write_text("no key")  # noqa: ASYNC240
        server.process.send_signal(signal.SIGHUP)
        await server.line("workers_not_renewed")
        assert await names(port, files["TLS_CERTIFICATE"]) == "first"
        certified(tmp_path, "second")
        server.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(PATIENCE_S):
            while await shown(port, files) != "second":  # noqa: ASYNC110  another process sends us no event
                await asyncio.sleep(0.1)


async def shown(port: int, files: dict[str, str]) -> str:
    try:
        return await names(port, files["TLS_CERTIFICATE"])
    except ssl.SSLCertVerificationError:
        return "one that is not trusted any more"


def test_files_that_cannot_serve_are_refused_in_one_sentence(tmp_path: Path) -> None:
    certificate, key = (Path(file) for file in certified(tmp_path).values())
    for pair, sentence in (
        ((certificate, tmp_path / "none"), f"TLS_KEY: {tmp_path / 'none'} cannot be read \\(No such file"),
        ((tmp_path / "none", key), f"TLS_KEY: {tmp_path / 'none'} cannot be read \\(No such file"),
        ((key, key), "do not make a pair"),
        ((certificate, certificate), "do not make a pair"),
    ):
        with pytest.raises(ConfigurationError, match=sentence):
            tls_context(*pair, [])


def test_an_encrypted_key_is_refused_and_not_asked_for(tmp_path: Path) -> None:
    certificate, key = certified(tmp_path).values()
    locked = tmp_path / "locked.pem"
    command = ["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(ConfigurationError, match="do not make a pair"):
        tls_context(Path(certificate), locked, [])


async def test_the_server_ends_at_start_where_the_files_are_not_there(tmp_path: Path) -> None:
    async with started(TLS_CERTIFICATE=str(tmp_path / "a"), TLS_KEY=str(tmp_path / "b")) as server:
        assert await server.end() == 1
        assert await server.errors() == (
            f"inkwell: TLS_CERTIFICATE, TLS_KEY: {tmp_path / 'a'} cannot be read (No such file or directory)\n"
        )


async def test_http2_without_tls_is_refused(server: Server) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    answer = await talk(server, preface)
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505"))


async def test_an_upgrade_to_http2_is_ignored(server: Server) -> None:
    upgrade = (
        b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
    )
    answer = await talk(server, b"GET /pid HTTP/1.1\r\nHost: toy\r\n" + upgrade + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"101" not in answer.partition(b"\r\n")[0]


async def test_headers_that_do_not_end_are_refused(server: Server) -> None:
    answer = await talk(server, b"GET /pid HTTP/1.1\r\nHost: toy\r\nX-Long: ", *[b"x" * 6000] * 4)
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_chunk_that_announces_itself_for_ever_is_cut_off(server: Server) -> None:
    head = b"POST /pid HTTP/1.1\r\nHost: toy\r\nTransfer-Encoding: chunked\r\n\r\n1;"
    await talk(server, head, *[b"x" * 6000] * 4)


async def test_every_answer_has_one_date_and_keeps_the_connection(server: Server) -> None:
    get = b"GET /pid HTTP/1.1\r\nHost: toy\r\n"
    answer = (await talk(server, get + b"\r\n" + get + b"Connection: close\r\n\r\n")).lower()
    assert answer.count(b"http/1.1 200") == answer.count(b"\r\ndate:") == 2
    assert b"server:" not in answer


async def test_a_head_that_comes_in_two_parts_is_read_while_those_before_it_are_answered(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(REQUEST + REQUEST.replace(b"/pid", b"/slow") + b"GET /agent HTTP/1.1\r\nHost: x\r\n")
    await read_answer(reader)
    writer.write(b"User-Agent: tea\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(PATIENCE_S):
        assert (await reader.read()).endswith(b"\r\n\r\ntea")
    writer.close()


async def test_what_follows_the_last_request_of_a_connection_does_not_take_its_answer(server: Server) -> None:
    last = b"GET /agent HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    for behind in b"\r\n", REQUEST:
        found = await talk(server, last + behind)
        assert (found.count(b"HTTP/1.1"), found[:12]) == (1, b"HTTP/1.1 200")


async def test_tls_drops_no_request_when_the_workers_are_replaced(tmp_path: Path) -> None:
    files = certified(tmp_path)
    async with started(WORKERS="1", **files) as server:
        server.port = int((await server.line("serving https:")).rpartition(":")[2])
        trust = ssl.create_default_context(cafile=files["TLS_CERTIFICATE"])
        old = {worker.pid for worker in server.workers()}
        async with hammering(server.port, clients=4, tls=trust) as outcomes:
            await until_answered(outcomes, 20)
            server.process.send_signal(signal.SIGHUP)
            await changed(server, old, count=1)
        assert set(outcomes) == {"answered"}


async def test_who_is_still_agreeing_upon_tls_when_the_door_is_shut_gets_an_answer(tmp_path: Path) -> None:
    files = certified(tmp_path)
    async with started(WORKERS="1", DRAIN_SECONDS="0", TOY_GREETINGS_SECONDS="60", **files) as server:
        server.port = int((await server.line("serving https:")).rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        server.process.terminate()
        await shut(server.port)
        await asyncio.sleep(2 * LAST_REQUESTS_SECONDS)
        await writer.start_tls(ssl.create_default_context(cafile=files["TLS_CERTIFICATE"]))
        writer.write(REQUEST)
        assert (await read_answer(reader))[0] == 200
        writer.close()
        assert await server.end() == 0


async def shut(port: int) -> None:
    with suppress(ConnectionRefusedError):
        async with asyncio.timeout(PATIENCE_S):
            while True:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await asyncio.sleep(0.02)

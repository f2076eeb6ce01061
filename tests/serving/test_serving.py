import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from inkwell.settings import ConfigurationError
from inkwell.supervisor import listen

from .load import REQUEST, Outcomes, hammering, read_answer, until_answered
from .server import PATIENCE_S, HasWorkers, Server, started

served = pytest.mark.usefixtures("engine")
Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(params=[("hypercorn", "asyncio"), ("uvicorn", "uvloop")], ids="-".join)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is promised of one server and loop is promised of the other."""
    monkeypatch.setenv("SERVER", request.param[0])
    monkeypatch.setenv("EVENT_LOOP", request.param[1])


async def changed(server: HasWorkers, old: set[int], count: int = 2) -> set[int]:
    """The workers, as soon as there are so many and none of the old ones is among them."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            pids = {worker.pid for worker in server.workers()}
            if len(pids - old) == len(pids) == count:
                return pids
            await asyncio.sleep(0.02)


async def gone(workers: list[psutil.Process]) -> None:
    _, alive = await asyncio.to_thread(psutil.wait_procs, workers, timeout=PATIENCE_S)
    assert not alive


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Link]:
    """A connection that a worker has taken and answered on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    assert await read_answer(reader) == (200, False)
    yield reader, writer
    writer.close()


async def until_answered_with(expected: tuple[int, bool], links: list[Link]) -> set[tuple[int, bool]]:
    """Asks /readyz over one after the other; what came before the expected status, and whether it closes."""
    before = set[tuple[int, bool]]()
    for reader, writer in links:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: toy\r\n\r\n")
        if (answer := await read_answer(reader)) == expected:
            return before
        before.add(answer)
        await asyncio.sleep(0.1)
    raise AssertionError(before)


async def event(server: Server, name: str) -> dict[str, Any]:
    """The fields of the next line of this event."""
    await server.line(f'"event":"{name}"')
    return dict(json.loads(server.lines[-1]))


def nothing_dropped(outcomes: Outcomes) -> None:
    assert set(outcomes) <= {"answered", "refused"}, outcomes


@served
async def test_the_workers_answer_on_the_announced_port() -> None:
    async with started() as server:
        await server.serving()
        reply = await server.get("/pid")
        assert int(reply.rpartition("\r\n")[2]) in {worker.pid for worker in server.workers()}
        assert "\r\ndate:" in reply.lower()
        assert "server:" not in reply.lower()


async def test_a_killed_worker_is_replaced_and_the_others_serve_on() -> None:
    async with started() as server:
        await server.serving()
        victim = server.workers()[0].pid
        os.kill(victim, signal.SIGKILL)
        await changed(server, {victim})
        assert "200" in await server.get("/pid")


@served
@pytest.mark.parametrize("drain_seconds", ["0", "0.5"])
async def test_sigterm_under_load_drops_no_request(drain_seconds: str) -> None:
    async with started(DRAIN_SECONDS=drain_seconds) as server:
        await server.serving()
        async with hammering(server.port) as outcomes:
            await until_answered(outcomes)
            server.process.terminate()
            assert await server.end() == 0
        nothing_dropped(outcomes)


@served
async def test_sigterm_to_every_process_at_once_drops_no_request() -> None:
    async with started() as server:
        await server.serving()
        async with hammering(server.port) as outcomes:
            await until_answered(outcomes)
            for _ in range(3):
                for pid in (*[worker.pid for worker in server.workers()], server.process.pid):
                    os.kill(pid, signal.SIGTERM)
            assert await server.end() == 0
        nothing_dropped(outcomes)


@served
async def test_ctrl_c_finishes_the_request_in_flight() -> None:
    async with started(DRAIN_SECONDS="0") as server:
        await server.serving()
        slow = asyncio.create_task(server.get("/slow"))
        await asyncio.sleep(0.2)
        for _ in range(3):
            os.killpg(server.process.pid, signal.SIGINT)
            await asyncio.sleep(0.1)
        assert "200" in await slow
        assert await server.end() == 0
        assert "Traceback" not in await server.errors()


@served
@pytest.mark.parametrize("event_loop", ["asyncio", "uvloop"])
async def test_a_request_that_came_with_its_connection_is_finished(
    event_loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENT_LOOP", event_loop)  # they differ in what they do first
    async with started(DRAIN_SECONDS="0", WORKERS="1") as server:
        await server.serving()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(REQUEST.replace(b"/pid", b"/slow"))
            await asyncio.sleep(0.4)
            server.process.terminate()
            reader, writer = await asyncio.open_connection(sock=client)
            assert (await read_answer(reader))[0] == 200
            writer.close()
        assert await server.end() == 0


@served
async def test_while_it_drains_it_is_not_ready_and_keeps_no_connection() -> None:
    async with started(DRAIN_SECONDS="600") as server:
        await server.serving()
        server.process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            while "503" not in (reply := await server.get("/readyz")):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert "connection: close" in reply.lower()


@served
async def test_a_request_that_does_not_end_is_given_up_after_drain_and_grace() -> None:
    async with started(DRAIN_SECONDS="0", GRACE_SECONDS="0.5") as server:
        await server.serving()
        stuck = asyncio.create_task(server.get("/stuck"))
        await asyncio.sleep(0.2)
        server.process.terminate()
        assert await server.end() == 0
        assert server.process.stdout
        assert b"worker_killed" not in await server.process.stdout.read()  # it ended by itself
        await asyncio.gather(stuck, return_exceptions=True)


@served
async def test_sighup_under_load_replaces_the_workers_and_drops_no_request() -> None:
    async with started() as server:
        await server.serving()
        old = {worker.pid for worker in server.workers()}
        async with hammering(server.port) as outcomes:
            await until_answered(outcomes)
            server.process.send_signal(signal.SIGHUP)
            await changed(server, old)
        nothing_dropped(outcomes)
        assert outcomes["refused"] == 0


@served
async def test_sighup_leaves_the_node_ready_on_connections_that_old_workers_hold_and_sigterm_does_not() -> None:
    async with started(WORKERS="1", DRAIN_SECONDS="600") as server, AsyncExitStack() as links:
        await server.serving()
        held = [await links.enter_async_context(connected(server.port)) for _ in range(40)]
        server.process.send_signal(signal.SIGHUP)
        await server.line("workers_renewed")
        assert await until_answered_with((200, True), held[:20]) <= {(200, False)}
        server.process.terminate()
        assert await until_answered_with((503, True), held[20:]) <= {(200, True)}


@served
async def test_the_log_tells_when_new_workers_serve_and_when_the_old_ones_have_ended() -> None:
    async with started() as server:
        await server.serving()
        old = {worker.pid for worker in server.workers()}
        for _ in range(2):
            server.process.send_signal(signal.SIGHUP)
            renewed, drained = await event(server, "workers_renewed"), await event(server, "workers_drained")
            assert set(renewed["replaced"]) == set(drained["workers"]) == old
            old = set(renewed["workers"])
            assert {worker.pid for worker in server.workers()} == old


@served
async def test_new_workers_that_do_not_start_leave_the_old_ones_in_place(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    async with started(TOY_BROKEN=str(broken), WORKERS="1") as server:
        await server.serving()
        old = {worker.pid for worker in server.workers()}
        broken.touch()
        server.process.send_signal(signal.SIGHUP)
        await server.line("workers_not_renewed")
        assert await changed(server, set(), count=1) == old
        assert "200" in await server.get("/pid")


@served
async def test_workers_do_not_outlive_a_killed_parent() -> None:
    async with started() as server:
        await server.serving()
        workers = server.workers()
        server.process.kill()
        await gone(workers)
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", server.port)):
            pass


async def test_workers_that_keep_crashing_end_the_server(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    async with started(TOY_BROKEN=str(tmp_path / "broken"), WORKERS="8") as server:
        assert await server.end() == 1
        assert "inkwell: 10 workers crashed within a minute, the last with exit code 3" in await server.errors()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "a..b"])
def test_a_host_that_is_not_here_is_refused_with_one_sentence(host: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^HOST: '{host}' is no address of this machine"):
        listen(host, 0)


async def test_a_database_that_cannot_be_prepared_ends_the_start_with_one_sentence() -> None:
    async with started(TOY_REFUSAL="the database is too old") as server:
        assert await server.end() == 1
        assert await server.errors() == "inkwell: the database is too old\n"


async def test_a_port_that_is_taken_ends_the_start_with_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        async with started(PORT=port) as server:
            assert await server.end() == 1
            assert f"inkwell: PORT: {port} is taken by another program" in await server.errors()


async def test_it_serves_without_its_database_and_prepares_it_when_it_appears() -> None:
    async with started(TOY_ABSENCES="2") as server:
        await server.serving()
        if "prepared 3" not in server.lines:  # a busy machine may prepare before it serves
            assert await server.line("prepared") == "3"


async def test_a_stop_while_it_starts_is_clean() -> None:
    async with started() as server:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await server.line("prepared")
        os.killpg(server.process.pid, signal.SIGINT)
        assert await server.end() == 0
        assert "Traceback" not in await server.errors()

"""One worker process: serves the application on the parent's socket, and drains when it is told to or is left alone.

Started by the parent as `python -m inkwell.worker LISTENER LINK` with two inherited file descriptors: the listening
socket, and a socket pair on which the worker says that it serves and by whose end it learns that the parent is gone.
"""

import asyncio
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, Self

from inkwell.draining import Draining
from inkwell.logs import configure_logging
from inkwell.memory import settle
from inkwell.servers import HANDSHAKE_SECONDS, find_server
from inkwell.settings import ConfigurationError, Settings, load_settings
from inkwell.supervisor import REPLACED, ignore_signals

if TYPE_CHECKING:
    from quart import Quart

log = logging.getLogger(__name__)

EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
AT_ONCE = 8  # fewer would keep a crowd waiting when all workers have much to do
REST_SECONDS = 1.0
LAST_GREETINGS_SECONDS = 1.0  # for TLS to be agreed upon with those who were accepted just before the door was shut
LAST_REQUESTS_SECONDS = 0.5  # for the first request on a connection that was accepted just before the door was shut

AppFactory = Callable[[Settings, Draining], "Quart"]


def main(create_app: AppFactory) -> None:
    """Serve until told to stop; the file descriptors are in sys.argv, the settings in the environment."""
    listener, link = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    listener.setblocking(False)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal, or a reload: both are the parent's to hear
    try:
        settings, draining = load_settings(), Draining()
        configure_logging(settings.log_format)
        app = create_app(settings, draining)
        settle()
        with asyncio.Runner(loop_factory=_loop_factory(settings.event_loop)) as runner:
            runner.run(_work(app, settings, draining, listener, link))
    except ConfigurationError as error:
        sys.exit(f"inkwell: {error}")
    ignore_signals()


def _connection_failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What goes wrong between the server and a client: its text may hold the request's headers, a token among them."""
    if "client_connected_cb" not in context["message"]:
        return loop.default_exception_handler(context)
    log.warning("A connection ended with %s", type(context.get("exception")).__name__)


async def _work(
    app: "Quart", settings: Settings, draining: Draining, listener: socket.socket, link: socket.socket
) -> None:
    asyncio.get_running_loop().set_exception_handler(_connection_failed)
    told, alone = _told_to_stop(draining), _left_alone(link)
    alone.add_done_callback(lambda _: draining.begin())
    door = Door(listener, opened=lambda: _say_ready(link))

    async def drain() -> None:
        await asyncio.wait([told, alone], return_when=asyncio.FIRST_COMPLETED)
        # Left alone there is no reason to linger: the next parent needs the port.
        await asyncio.wait([alone], timeout=settings.drain_time.total_seconds())
        door.shut()
        await door.greeted()
        await asyncio.sleep(LAST_REQUESTS_SECONDS)

    # When drain() returns, the server closes the idle connections and finishes the requests in flight.
    await find_server(settings.server)(app, settings, listener, drain)


class Door:
    """Where connections come in, for hypercorn and uvicorn, in place of the loop's own server.

    That one takes all who wait: of a crowd that comes at once one worker gets everybody. Here a worker takes a few and
    then sees to those that it has, so that who has less to do takes more.
    """

    def __init__(self, listener: socket.socket, opened: Callable[[], None]) -> None:
        self._listener, self._opened = listener, opened
        self._double = listener  # until a server brings the duplicate that it was given
        self._greetings: set[asyncio.Task[None]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.create_server = self._open  # type: ignore[method-assign, assignment]

    async def _open(
        self, factory: Callable[[], asyncio.Protocol], *_: Any, sock: socket.socket, **options: Any
    ) -> Self:
        self._factory, self._double = factory, sock
        tls = options.get("ssl")
        self._tls = {"ssl": tls, "ssl_handshake_timeout": HANDSHAKE_SECONDS} if tls else {}
        self._watch()
        self._opened()
        return self

    def shut(self) -> None:
        """Accept nobody more, except those in the kernel's queue: as far as they know they are connected."""
        self._look_away()
        with suppress(OSError):  # BlockingIOError: the queue is empty
            while True:
                self._greet(self._listener.accept()[0])
        for listener in (self._listener, self._double):  # as long as one of them is open, people come in
            listener.close()

    async def greeted(self) -> None:
        """Until TLS is agreed upon with those who were let in, but no longer than for LAST_GREETINGS_SECONDS."""
        if self._greetings:
            await asyncio.wait(self._greetings, timeout=LAST_GREETINGS_SECONDS)

    def _watch(self) -> None:
        self._loop.add_reader(self._listener, self._accept)

    def _look_away(self) -> None:
        self._loop.remove_reader(self._listener)
        if self._later:
            self._later.cancel()

    def _accept(self) -> None:
        try:
            for _ in range(AT_ONCE):
                self._greet(self._listener.accept()[0])
        except OSError as error:  # mostly BlockingIOError: nobody waits any more
            if error.errno in EXHAUSTED:
                self._rest()

    def _rest(self) -> None:
        """Those who wait stay, so without a pause we would be called again and again."""
        log.error("No connection can be accepted: there are no files or there is no memory left")
        self._look_away()
        self._later = self._loop.call_later(REST_SECONDS, self._watch)

    def _greet(self, client: socket.socket) -> None:
        greeting = self._loop.create_task(self._connect(client))
        self._greetings.add(greeting)
        greeting.add_done_callback(self._greetings.discard)

    async def _connect(self, client: socket.socket) -> None:
        client.setblocking(False)
        with suppress(OSError):  # it has left, or TLS could not be agreed upon
            await self._loop.connect_accepted_socket(self._factory, client, **self._tls)

    def close(self) -> None:
        """Does nothing: the servers close what was shut."""

    async def wait_closed(self) -> None:
        """Does not wait: since Python 3.12 it would for every request, and the servers' time limits begin after it."""


def _told_to_stop(draining: Draining) -> asyncio.Future[None]:
    """Done when told to; whoever is told that it is replaced may hear later that the node stops."""
    loop = asyncio.get_running_loop()
    told = loop.create_future()

    def obey(node_stops: bool) -> None:
        draining.begin(node_stops=node_stops)
        _complete(told)

    for number in (signal.SIGTERM, signal.SIGINT, REPLACED):
        loop.add_signal_handler(number, obey, number != REPLACED)
    return told


def _left_alone(link: socket.socket) -> asyncio.Future[None]:
    """Done when the parent is gone: it never writes, so there is something to read only when its end was closed."""
    loop = asyncio.get_running_loop()
    alone = loop.create_future()
    alone.add_done_callback(lambda _: loop.remove_reader(link))
    loop.add_reader(link, _complete, alone)
    return alone


def _complete(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _say_ready(link: socket.socket) -> None:
    with suppress(OSError):  # the parent is gone, which is noticed elsewhere
        link.send(b"\n")


def _loop_factory(name: Literal["asyncio", "uvloop"] | None) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """None stands for asyncio's own loop; without a name it is uvloop's where that is installed."""
    if name == "asyncio" or not find_spec("uvloop"):
        return None
    import uvloop

    return uvloop.new_event_loop  # type: ignore[no-any-return, unused-ignore]


if __name__ == "__main__":
    gc.disable()  # until all is made: reading modules makes hardly any garbage, and takes a tenth less time without
    from inkwell.app import create_app

    main(create_app)

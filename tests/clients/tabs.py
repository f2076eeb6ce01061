"""Tabs of a browser with a front end that uses the TypeScript client, and whose origin is not the server's."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.async_api import BrowserContext, Page


class Quietly(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing of a request."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The origin at which a browser finds the folder's files."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quietly, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


async def open_tab(context: BrowserContext, origin: str, address: str) -> Page:
    """A tab with the front end of clients/typescript/test/tab.html for the server at the address."""
    tab = await context.new_page()
    await tab.goto(f"{origin}/test/tab.html?api={address}")
    await tab.wait_for_function("window.inkwell")
    return tab

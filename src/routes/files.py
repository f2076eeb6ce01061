"""Our own small pages, and the files that they load."""

from importlib.metadata import version
from importlib.resources import files

from quart import Response

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
VERSION = version("inkwell")
PAGES = {file.name: file.read_bytes() for file in (files("routes") / "pages").iterdir()}
PAGES["front.html"] = PAGES["front.html"].replace(b"{version}", VERSION.encode())


def page(name: str, policy: str = POLICY) -> Response:
    """One of our own files, under a policy that lets it load the others and call the API, and nothing else.

    A query is ignored: there are mail programs that add one to every link.
    """
    answer = Response(PAGES[name], content_type=TYPES[name.rpartition(".")[2]])
    answer.headers["Content-Security-Policy"] = policy
    return answer

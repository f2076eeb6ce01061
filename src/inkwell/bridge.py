"""Where Quart is asked to do less, or otherwise, through its own class attributes and methods."""

from quart import Quart
from quart.wrappers.base import BaseRequestWebsocket
from werkzeug.routing import MapAdapter

from routes.request import Request


class InkwellQuart(Quart):
    """Quart, with our request, and with routes that do not depend on what a client says of the host or in the query.

    Quart's own look at Host and query comes before its error handling: a host that is no name, or a query that is no
    UTF-8, ended the request without an answer of ours.
    """

    request_class = Request

    def create_url_adapter(self, request: BaseRequestWebsocket | None) -> MapAdapter | None:
        if request is None:
            return None
        return self.url_map.bind("inkwell", request.root_path, None, request.scheme, request.method, request.path)

"""A worker with an application of a few routes in place of Inkwell's."""

import asyncio
import os
import sys
from pathlib import Path

if os.path.exists(os.environ.get("TOY_BROKEN", "")):
    sys.exit(3)
if code := os.environ.get("TOY_CODE"):
    exec(compile((Path(code) / "toy_code.py").read_text(), "toy_code.py", "exec"))  # noqa: S102

from quart import Quart, Response, request

from inkwell import worker
from inkwell.draining import Draining
from inkwell.settings import Settings


def create_toy(settings: Settings, draining: Draining) -> Quart:
    app = Quart(__name__, static_folder=None)

    @app.get("/pid")
    async def pid() -> str:
        return str(os.getpid())

    @app.get("/agent")
    async def agent() -> str:
        return request.headers.get("User-Agent", "nobody")

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(1)
        return str(os.getpid())

    @app.get("/stuck")
    async def stuck() -> str:
        await asyncio.sleep(600)
        return ""

    @app.get("/readyz")
    async def readyz() -> tuple[str, int]:
        return "", 503 if draining.node_stops else 200

    @app.get("/database")
    async def database() -> str:
        return str(settings.database)

    @app.after_request
    async def say_goodbye(response: Response) -> Response:
        if draining:
            response.headers["Connection"] = "close"
        return response

    return app


if __name__ == "__main__":
    worker.LAST_GREETINGS_SECONDS = float(os.environ.get("TOY_GREETINGS_SECONDS", worker.LAST_GREETINGS_SECONDS))
    worker.main(create_toy)

"""The clients, run with a server; and docs/how-to/connect-a-front-end.md, which shows the very lines that run here."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jwt
import pytest
from playwright.async_api import Browser

from clients.python.inkwell_session import Session
from tests.browser.conftest import browser as browser  # a fixture
from tests.clients.tabs import open_tab, served
from tests.conftest import SECRET, Server
from tests.packaging.servers import serving

ROOT = Path(__file__).parents[2]
PYTHON, TYPESCRIPT = ROOT / "clients" / "python", ROOT / "clients" / "typescript"
PAGE = (ROOT / "docs" / "how-to" / "connect-a-front-end.md").read_text()
SHOWN_ADDRESS = "http://127.0.0.1:8000"
PRINTED = r"published [0-9a-f-]{36} \S+Z\nNotes\n"
INSTALLED = shutil.which("make") and shutil.which("node") and (TYPESCRIPT / "node_modules").is_dir()
PERSON = {"email": "grace@example.com", "password": "tea and engines"}

needs_node = pytest.mark.skipif(
    not (INSTALLED or "INKWELL_TESTS_SKIP_NOTHING" in os.environ), reason="it needs node, and `make client` once"
)


@pytest.fixture(scope="module")
async def address(server: Server, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Of a server that answers pages of any origin."""
    url = await server.create(template)
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": url, "JWT_SECRET_KEY": SECRET, "CORS_ORIGINS": "*"}
    environment |= {"PORT": "0", "WORKERS": "1", "RATE_LIMITS_ENABLED": "false"}
    with serving(environment, tmp_path_factory.mktemp("clients")) as (_, port):
        yield f"http://127.0.0.1:{port}"
    await server.drop(url)


@pytest.fixture(scope="module")
def compiled() -> Path:
    """What the compiler, told to be strict, made of the client, its tests and the examples."""
    run("make", "client", folder=ROOT)
    return TYPESCRIPT / "dist"


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    """What the program prints; what it complains of, if it fails."""
    settings = os.environ | environment
    done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_node
def test_the_typescript_client_does_what_it_says(compiled: Path, address: str) -> None:
    tests = compiled / "test" / "client.test.js"
    run("node", "--test", tests, folder=TYPESCRIPT, INKWELL_URL=address, JWT_SECRET_KEY=SECRET)


@needs_node
def test_the_first_lines_of_typescript_run(compiled: Path, address: str) -> None:
    here = compiled / "examples" / "here.js"  # inside the package, whose name it imports
    here.write_text((compiled / "examples" / "first.js").read_text().replace(SHOWN_ADDRESS, address))
    assert re.match(PRINTED, run("node", here, folder=TYPESCRIPT))


@needs_node
async def test_tabs_of_another_origin_share_a_session(compiled: Path, address: str, browser: Browser) -> None:
    person = PERSON | {"email": "tabs@example.com"}
    with served(TYPESCRIPT) as origin:
        context = await browser.new_context()
        first, second = [await open_tab(context, origin, address) for _ in range(2)]
        assert await first.evaluate("person => writeAndChange(person)", person) == "Notes, changed"
        await first.evaluate("token => replaceToken(token)", expired(await first.evaluate("readToken()")))
        assert await asyncio.gather(*(tab.evaluate("askWho()") for tab in (first, second))) == [person["email"]] * 2
        await first.evaluate("inkwell.signOut()")
        await second.wait_for_function("window.over === 'in another tab'")
        assert await first.evaluate("[window.over, inkwell.userId()]") == [None, None]
        await context.close()


def test_the_page_shows_typescript_that_is_compiled() -> None:
    examples = [path.read_text() for path in (TYPESCRIPT / "examples").glob("*.ts")]
    shown = re.findall(r"```ts\n(.*?)```", PAGE, re.DOTALL)
    assert shown[0] == (TYPESCRIPT / "examples" / "first.ts").read_text()
    assert all(any(lines in example for example in examples) for lines in shown)


def test_the_page_shows_python_that_is_run() -> None:
    shown = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert shown == [(PYTHON / name).read_text() for name in ("first.py", "inkwell_session.py")]


def test_the_first_lines_of_python_run(address: str, tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text((PYTHON / "first.py").read_text().replace(SHOWN_ADDRESS, address))
    assert re.match(PRINTED, run(sys.executable, "first.py", folder=tmp_path, PYTHONPATH=str(PYTHON)))


async def test_a_session_in_python_goes_on_when_its_access_token_has_expired(address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as inkwell:
        await inkwell.post("/api/auth/register", json=PERSON)
        first = (await inkwell.post("/api/auth/login", json=PERSON)).json()
        inkwell.auth = session = Session(first | {"access_token": expired(first["access_token"])})
        assert (await inkwell.get("/api/auth/profile")).is_success
        assert session.tokens["refresh_token"] != first["refresh_token"]
        assert (await inkwell.post("/api/auth/logout")).is_success
        assert (await inkwell.get("/api/auth/profile")).json()["code"] == "session_ended"


def test_calls_at_once_in_python_renew_their_token_once() -> None:
    session = Session({"access_token": "old", "refresh_token": "rt"})
    expired_answer = httpx.Response(401, json={"code": "token_expired"})
    slower, faster = (session.auth_flow(httpx.Request("GET", f"{SHOWN_ADDRESS}/api/users")) for _ in range(2))
    next(slower)
    next(faster)
    assert faster.send(expired_answer).url.path == "/api/auth/refresh"
    renewed = {"access_token": "new", "refresh_token": "next"}
    again = [faster.send(httpx.Response(200, json=renewed)), slower.send(expired_answer)]
    assert [request.headers["Authorization"] for request in again] == ["Bearer new"] * 2


def expired(token: str) -> str:
    """The same token, an hour after it ran out."""
    claims = jwt.decode(token, options={"verify_signature": False}) | {"exp": datetime.now(UTC) - timedelta(hours=1)}
    return jwt.encode(claims, SECRET, "HS256", jwt.get_unverified_header(token))


def test_the_lock_of_npm_names_no_address() -> None:
    assert '"resolved"' not in (TYPESCRIPT / "package-lock.json").read_text()


def test_the_typescript_client_has_the_version_of_the_server() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert json.loads((TYPESCRIPT / "package.json").read_text())["version"] == project["version"]

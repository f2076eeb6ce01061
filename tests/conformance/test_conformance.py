"""The running server against its document: schemathesis tries what the document allows, and what it does not.

`make conformance` tries for longer.
"""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from inkwell.app import connect, make_passwords, make_services
from inkwell.settings import load_settings
from service.users import NewPassword
from tests.conftest import SECRET, Server
from tests.packaging.servers import UNMEASURED
from tests.smoke.test_server import start_aloud
from tests.support import PASSWORD

HERE = Path(__file__).parent
LONG = "INKWELL_CONFORMANCE" in os.environ
AMOUNT = ["--max-examples", "60"] if LONG else ["--phases", "coverage,stateful", "--max-time", "20"]
FEWEST_CASES = 3000 if LONG else 200
LONGEST_S = 900 if LONG else 180
MANY = 40  # admins who try everything remove or rename each other: a quick machine used four up in 20 s
PEOPLE = {role: [f"{role}{number}@example.com" for number in range(MANY)] for role in ("user", "admin")}
QUICK = {"HASH_MEMORY_KIB": "8", "HASH_PASSES": "1", "RATE_LIMITS_ENABLED": "false"} | UNMEASURED


@pytest.fixture(scope="module")
async def url(server: Server, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Where the program serves, and some ordinary users and admins have their accounts."""
    database = await server.create(template)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    names = {"DATABASE_URL": database, "JWT_SECRET_KEY": SECRET, "ENV": "testing", "PORT": port, "DRAIN_SECONDS": "0"}
    process, url = await start_aloud(tmp_path_factory.mktemp("conformance"), **names, **QUICK)
    async with httpx.AsyncClient(base_url=url) as client:
        for email in PEOPLE["user"]:
            await client.post("/api/auth/register", json={"email": email, "password": PASSWORD})
    await add_admins(database)
    assert process.stdout
    log = asyncio.create_task(process.stdout.read())  # a full pipe would hold up the server
    yield url
    process.send_signal(signal.SIGINT)
    await log
    assert await process.wait() == 0
    await server.drop(database)


async def add_admins(database_url: str) -> None:
    settings = load_settings(database_url=database_url, jwt_secret_key=SECRET, env="testing", hash_memory_kib=8)
    database, passwords = connect(settings), make_passwords(settings)
    users = make_services(settings, database, passwords).users
    for email in PEOPLE["admin"]:
        await users.add_admin(NewPassword(email=email, password=PASSWORD))
    passwords.close()
    await database.close()


async def schemathesis(url: str, role: str) -> str:
    """What it says in the end; a failure where it found something."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{url}/api/openapi.json", "--no-color", "--warnings", "off", "--generation-deterministic"),
        *("--continue-on-failure", "--suppress-health-check", "all", *AMOUNT),
        cwd=HERE.parents[1],
        # Its threads come and go; greenlet, which coverage asks in each of them, once did not get over the end of one.
        env=os.environ
        | UNMEASURED
        | {"SCHEMATHESIS_HOOKS": "tests.conformance.hooks", "PYTHONPATH": str(HERE.parents[1])}
        | {"URL": url, "EMAILS": " ".join(PEOPLE[role]), "PASSWORD": PASSWORD},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), LONGEST_S)
    except TimeoutError:
        process.kill()
        raise
    said = "\n".join(line[:500] for line in output.decode().splitlines())
    assert process.returncode == 0, said[-10_000:]
    return said


@pytest.mark.parametrize("role", PEOPLE)
async def test_the_server_does_what_its_document_says(url: str, role: str) -> None:
    said = await schemathesis(url, role)
    found = re.search(r"(\d+) generated", said)
    print(said[-600:])
    assert found
    assert int(found[1]) >= FEWEST_CASES, said[-3000:]

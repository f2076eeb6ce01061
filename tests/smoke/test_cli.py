"""What an operator does from the shell."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from domain.permissions import Permission
from inkwell.database_url import parse_database_url
from inkwell.migrations import connected
from tests.conftest import SECRET, open_folder
from tests.support import PASSWORD, Client


async def inkwell(*arguments: str, typed: str = "", cwd: Path, **environment: str) -> tuple[int, str]:
    """The exit code and all that was printed."""
    return await end(await begin(*arguments, cwd=cwd, **environment), typed)


async def begin(*arguments: str, cwd: Path, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "inkwell", *arguments),
        cwd=cwd,
        env=os.environ | {"JWT_SECRET_KEY": SECRET} | environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def end(process: asyncio.subprocess.Process, typed: str = "") -> tuple[int, str]:
    output, _ = await asyncio.wait_for(process.communicate(typed.encode()), 60)
    return process.returncode or 0, output.decode()


async def test_create_admin_makes_an_admin(api: Client, database_url: str, tmp_path: Path) -> None:
    create = ("create-admin", "Root@Example.com", "--password-stdin")
    code, output = await inkwell(*create, typed=f"{PASSWORD}\n", cwd=tmp_path, DATABASE_URL=database_url)
    assert code == 0
    assert output.endswith("root@example.com is an admin.\n")
    assert (await api.sign_in("root@example.com")).me["role"] == "admin"
    code, output = await inkwell(*create, typed=PASSWORD, cwd=tmp_path, DATABASE_URL=database_url)
    assert (code, output) == (1, "Error: Email already exists\n")


async def test_set_password_lets_somebody_in_again_and_ends_the_sessions(
    api: Client, ada: Client, database_url: str, tmp_path: Path
) -> None:
    change = ("set-password", "ada@example.com", "--password-stdin")
    code, output = await inkwell(*change, typed="another fine password", cwd=tmp_path, DATABASE_URL=database_url)
    assert code == 0, output
    assert (await ada.get("/api/auth/profile")).code == "session_ended"
    assert (await api.sign_in("ada@example.com", "another fine password")).id == ada.id
    unknown = ("set-password", "nobody@example.com", "--password-stdin")
    code, output = await inkwell(*unknown, typed=PASSWORD, cwd=tmp_path, DATABASE_URL=database_url)
    assert (code, output) == (1, "Error: User not found\n")


async def test_a_database_that_is_away_is_named_as_the_reason(tmp_path: Path) -> None:
    away = {"ENV": "production", "DATABASE_URL": "postgres://inkwell@127.0.0.1:1/inkwell"}
    create = ("create-admin", "root@example.com", "--password-stdin")
    code, output = await inkwell(*create, typed=PASSWORD, cwd=tmp_path, **away)
    assert code == 1
    assert "The database cannot be used now: " in output


@pytest.mark.parametrize(
    ("email", "password", "says"), [("nope", PASSWORD, "EMAIL"), ("a@example.com", "x", "PASSWORD")]
)
async def test_what_no_account_may_have_no_admin_may(tmp_path: Path, email: str, password: str, says: str) -> None:
    code, output = await inkwell("create-admin", email, "--password-stdin", typed=password, cwd=tmp_path)
    assert code == 1
    assert says in output
    assert "Traceback" not in output


async def test_commands_use_the_embedded_database_where_none_is_named() -> None:
    with open_folder() as folder:
        create = ("create-admin", "root@example.com", "--password-stdin")
        for code, says in ((0, "is an admin"), (1, "Email already exists")):
            found, output = await inkwell(*create, typed=PASSWORD, cwd=folder, DATA_DIR=str(folder / "data"))
            assert (found, says in output) == (code, True), output


async def test_a_database_out_of_reach_is_one_sentence(tmp_path: Path) -> None:
    code, output = await inkwell("migrate", cwd=tmp_path, DATABASE_URL="postgres://inkwell@127.0.0.1:1/inkwell")
    assert code == 1
    assert output.startswith("Error: The database cannot be used now: ")
    assert "Traceback" not in output


async def test_check_config_shows_the_settings_and_hides_the_secrets(tmp_path: Path) -> None:
    url = "postgres://inkwell:hunter2hunter2@db.example.com/inkwell"
    code, output = await inkwell("check-config", cwd=tmp_path, DATABASE_URL=url, PORT="9001", TRUSTED_PROXYS="1")
    assert code == 0
    assert "PORT=9001\n" in output
    assert "HOST=127.0.0.1  (default)\n" in output
    assert "TRUSTED_PROXYS is no setting of Inkwell; is TRUSTED_PROXIES meant?" in output
    assert "hunter2" not in output
    assert SECRET not in output


async def test_missing_limits_are_warned_about(tmp_path: Path) -> None:
    _, output = await inkwell("check-config", cwd=tmp_path, RATE_LIMITS_ENABLED="false")
    assert "Warning: RATE_LIMITS_ENABLED=false lets everybody try passwords without end\n" in output
    _, output = await inkwell("check-config", cwd=tmp_path)
    assert "Warning" not in output


async def test_check_config_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("COLOUR=blue\n")
    code, output = await inkwell("check-config", cwd=tmp_path, PORT="x", CORS_ORIGINS="https://*.example.com")
    assert code == 1
    assert {"PORT", "CORS_ORIGINS", "COLOUR"} <= {
        line.removeprefix("Error: ").partition(":")[0] for line in output.splitlines()
    }


async def test_check_config_refuses_what_serve_would_and_still_shows_what_was_given(tmp_path: Path) -> None:
    admin = {"ADMIN_EMAIL": "root@example.com", "ADMIN_PASSWORD": "short"}
    code, output = await inkwell("check-config", cwd=tmp_path, PORT="9001", **admin)
    assert code == 1
    assert "ADMIN_PASSWORD: String should have at least 10 characters" in output
    assert "PORT=9001\n" in output
    assert "ADMIN_PASSWORD=short" not in output


async def test_permissions_prints_the_table_of_the_page(tmp_path: Path) -> None:
    code, output = await inkwell("permissions", cwd=tmp_path)
    page = Path(__file__).parents[2] / "docs" / "permissions.md"
    assert (code, output.count("\n")) == (0, len(Permission) + 2)
    assert page.read_text().endswith(f"\n\n{output}")


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE alembic_version SET version_num = 'zzzz'", "zzzz"),
        ("DROP TABLE alembic_version", "already exists"),
    ],
)
async def test_a_database_that_cannot_be_migrated_is_one_sentence(
    database_url: str, tmp_path: Path, statement: str, says: str
) -> None:
    async with connected(parse_database_url(database_url)) as connection:
        await connection.execute(text(statement))
    code, output = await inkwell("migrate", cwd=tmp_path, DATABASE_URL=database_url)
    assert code == 1
    assert says in output
    assert "Traceback" not in output

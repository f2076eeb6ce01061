"""The `inkwell` command: what an operator does from the shell."""

import asyncio
import os
import shlex
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click
from dotenv import dotenv_values
from pydantic import SecretStr

from domain.errors import DomainError
from inkwell.settings import ConfigurationError, Settings, load_settings
from inkwell.settings_warnings import doubts, near_misses

MASK = "********"

Work = Callable[[Settings], Awaitable[Any]]


class Inkwell(click.Group):
    """A group whose commands end with one clear sentence, not with a traceback, where the operator can mend it."""

    def invoke(self, context: click.Context) -> Any:
        from inkwell.supervisor import DatabaseAway

        try:
            return super().invoke(context)
        except (ConfigurationError, DomainError) as error:
            raise click.ClickException(str(error)) from None
        except DatabaseAway as error:
            raise click.ClickException(f"The database cannot be used now: {error}") from None


@click.group(cls=Inkwell, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="inkwell")
def main() -> None:
    """Inkwell: accounts, sessions, a user directory and posts behind an HTTP API.

    Settings are environment variables, or lines of a file `.env`; `inkwell check-config` shows them.
    """


@main.command()
@click.option("--host", help="Address to listen on (HOST).")
@click.option("--port", type=int, help="Port to listen on (PORT).")
@click.option("--workers", type=int, help="Worker processes (WORKERS).")
@click.option("--server", type=click.Choice(["hypercorn", "uvicorn"]), help="What speaks HTTP in them (SERVER).")
@click.option("--reload", is_flag=True, default=None, help="Replace the workers when the code changes (RELOAD).")
def serve(**options: str | int | None) -> None:
    """Serve until Ctrl-C or SIGTERM; SIGHUP replaces the workers without losing a request."""
    from inkwell.logs import configure_logging
    from inkwell.supervisor import run

    # The workers read the environment, so that is where an option goes.
    os.environ.update({name.upper(): str(value) for name, value in options.items() if value is not None})
    settings = load_settings()
    configure_logging(settings.log_format)
    _warn(settings)
    sys.exit(run(settings, _prepare, lambda url, data: click.echo(_welcome(settings, url, data))))


@main.command()
def migrate() -> None:
    """Bring the database's schema to its newest version; several at once are safe."""
    from inkwell.prepare import migrated

    _with_database(migrated)
    click.echo("The schema is at its newest version.")


@main.command("create-admin")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create_admin(email: str, password_stdin: bool) -> None:
    """Make an account for EMAIL that is an admin."""
    from inkwell.prepare import new_password, services_of

    newcomer = new_password(email, _password(password_stdin))

    async def work(settings: Settings) -> None:
        async with services_of(settings) as services:
            await services.users.add_admin(newcomer)

    _with_schema(work)
    click.echo(f"{newcomer.email} is an admin.")


@main.command("set-password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def set_password(email: str, password_stdin: bool) -> None:
    """Set a new password for EMAIL, who is signed out everywhere."""
    from inkwell.prepare import new_password, services_of

    chosen = new_password(email, _password(password_stdin))

    async def work(settings: Settings) -> None:
        async with services_of(settings) as services:
            await services.users.set_password(chosen)

    _with_schema(work)
    click.echo(f"{chosen.email} has a new password and is signed out everywhere.")


@main.command()
@click.option("--users", type=click.IntRange(1, 1_000_000), default=500, show_default=True, help="Users to add.")
@click.option("--posts", type=click.IntRange(0, 10_000_000), default=2000, show_default=True, help="Posts to add.")
@click.option("--seed", type=click.IntRange(0, 999_999_999), default=1, show_default=True, help="Other data for each.")
def demo(users: int, posts: int, seed: int) -> None:
    """Add made-up users and posts, the same ones for the same seed; not in production."""
    from inkwell.demo import PASSWORD, Demo, load, refuse_in_production

    refuse_in_production(load_settings())
    wanted = Demo(users, posts, seed)

    async def work(settings: Settings) -> None:
        with click.progressbar(length=users + posts, label="Adding users and posts") as bar:
            added = await load(settings, wanted, bar.update)
        there = f"Demo data of seed {seed} is there already, and nothing was changed; another --seed adds other data."
        click.echo(f"{users} users and {posts} posts were added." if added else there)

    _with_schema(work)
    click.echo(f"Sign in as {wanted.example_email} with the password {PASSWORD}")


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
def backup(file: Path, force: bool) -> None:
    """Write the database into FILE, as it is at one moment; the server may run meanwhile."""
    from inkwell.backup import back_up

    async def work(settings: Settings) -> None:
        revision = await back_up(settings.session_database, file, replace=force)
        click.echo(f"{file} has the whole database, with the schema's revision {revision}.")

    _with_database(work)


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Give up what is in the database.")
def restore(file: Path, replace: bool) -> None:
    """Put a backup into the database, wholly or not at all; the server must not run."""
    from inkwell.backup import check_whole, refuse_while_serving
    from inkwell.backup import restore as restore_into
    from repositories.tables import REVISION

    async def work(settings: Settings) -> None:
        revision = await restore_into(settings.session_database, file, replace=replace)
        click.echo(f"The database is as it was when {file} was written, with the schema's revision {revision}.")
        if revision != REVISION:
            click.echo("This code needs a newer one: inkwell migrate")

    check_whole(file)
    asyncio.run(refuse_while_serving(load_settings()))
    _with_database(work)


@main.command()
def permissions() -> None:
    """Print who may do what."""
    from inkwell.permissions_table import permissions_table

    click.echo(permissions_table(), nl=False)


@main.command("check-config")
def check_config() -> None:
    """Print the settings in force, secrets masked, and what is wrong with them."""
    from inkwell.prepare import first_admin

    try:
        settings = load_settings()
        first_admin(settings)
    except ConfigurationError:
        _print_given()
        raise
    for name in Settings.model_fields:
        origin = "" if settings.has_chosen(name) else "  (default)"
        click.echo(f"{name.upper()}={_shown(settings, name)}{origin}")
    _warn(settings)


async def _prepare(settings: Settings) -> None:
    if settings.needs_preparing:
        from inkwell.prepare import prepare  # here, so that workers start sooner where there is nothing to do

        await prepare(settings)


def _print_given() -> None:
    """What was given, as it was given: it does not make up settings."""
    given = {name.upper(): value for name, value in (dotenv_values(".env") | os.environ).items()}
    for name, field in Settings.model_fields.items():
        if value := given.get(name.upper()):
            click.echo(f"{name.upper()}={MASK if SecretStr.__name__ in str(field.annotation) else value}")


def _shown(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    if name == "database_url" and settings.database:
        return settings.database.masked
    if isinstance(value, SecretStr):
        return MASK
    return ",".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def _warn(settings: Settings) -> None:
    for doubt in doubts(settings):
        click.echo(f"Warning: {doubt}", err=True)
    for name, meant in near_misses():
        click.echo(f"Warning: {name} is no setting of Inkwell; is {meant} meant?", err=True)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.read().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _with_schema(work: Work) -> None:
    """Does the work on a database whose schema is there."""
    from inkwell.prepare import migrated

    async def on_schema(settings: Settings) -> None:
        if settings.migrates_at_start:
            await migrated(settings)
        await work(settings)

    _with_database(on_schema)


def _with_database(work: Work) -> None:
    """Does the work on the database of the settings, and says which that was."""
    from inkwell.prepare import with_database

    async def on_database() -> str:
        _clear_up_when_told_to_stop()
        given = load_settings()
        async with with_database(given) as settings:
            await work(settings)
        return given.database.masked if given.database else str(given.data_dir.resolve())

    try:
        click.echo(f"On {asyncio.run(on_database())}:", err=True)
    except asyncio.CancelledError:
        raise click.Abort from None


def _clear_up_when_told_to_stop() -> None:
    """SIGTERM, and SIGHUP where nobody wants it ignored, cancel this task, as SIGINT does by itself; once, so that a
    second one does not keep it from clearing up. Only the main thread hears signals."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    hears = threading.current_thread() is threading.main_thread()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if task and hears and signal.getsignal(number) == signal.SIG_DFL:
            loop.add_signal_handler(number, lambda: task.cancelling() or task.cancel())


def _welcome(settings: Settings, url: str, data: str) -> str:
    inkwell = os.path.relpath(Path(sys.prefix) / "bin" / "inkwell") if sys.prefix != sys.base_prefix else "inkwell"
    place = f"DATA_DIR={shlex.quote(str(settings.data_dir.resolve()))} " if settings.has_chosen("data_dir") else ""
    with_url = ", with the same DATABASE_URL" if settings.database else ""
    return f"""
  Inkwell serves on {url}  ({settings.env}, {settings.workers} workers)
  Data:   {data}
  Try:    curl {url}/readyz
  Admin:  {place}{inkwell} create-admin you@example.com   (in this folder{with_url})
  Docs:   README.md; settings: {inkwell} check-config
  Ctrl-C stops everything.
"""

"""The Dockerfile and docker-compose.yml, held against the program that they start."""

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml
from quart import Quart

from inkwell.cli import main
from inkwell.embedded.server import INITDB
from inkwell.migrations import SCRIPTS
from inkwell.servers import KEEP_ALIVE_SECONDS
from inkwell.settings import Settings
from routes.headers import LONGEST_HEADERS_BYTES
from tests.keys import ED25519_PEM
from tests.packaging.servers import inkwell, serving

HAPROXYS_RESERVE_BYTES = 1024  # tune.maxrewrite
ROOT = Path(__file__).parents[2]
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ["migrate", "api"]

SECRETS = {"POSTGRES_PASSWORD": "3f" * 24, "JWT_SECRET_KEY": "0f1e2d3c4b5a69788796a5b4c3d2e1f0"}
NAMES = {name.upper() for name in Settings.model_fields}


def instructions(text: str) -> list[tuple[str, str]]:
    """The lines of a Dockerfile as (instruction, rest), continuations joined."""
    without_comments = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", without_comments).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line)]


DOCKERFILE = instructions((ROOT / "Dockerfile").read_text())
LAST_STAGE = DOCKERFILE[max(number for number, (word, _) in enumerate(DOCKERFILE) if word == "FROM") :]


def only(word: str) -> str:
    """What stands behind an instruction that the last stage has once."""
    (found,) = [rest for instruction, rest in LAST_STAGE if instruction == word]
    return found


def image_environment() -> dict[str, str]:
    return dict(part.split("=", 1) for part in only("ENV").split())


def health_command() -> list[str]:
    command: list[str] = json.loads(only("HEALTHCHECK").partition("CMD ")[2])
    return command


def interpolated(value: str, given: dict[str, str]) -> str:
    """As Compose does it: ${NAME:?sentence} is required, ${NAME:-default} is not. Raises LookupError."""

    def replace(match: re.Match[str]) -> str:
        name, operator, rest = match.groups()
        if given.get(name):
            return given[name]
        if operator == ":?":
            raise LookupError(f"{name}: {rest}")
        return str(rest)

    return re.sub(r"\$\{(\w+)(:[?-])([^}]*)\}", replace, value)


def container_environment(service: str, given: dict[str, str]) -> dict[str, str]:
    """What the program in the container finds: the image's own, and over it what Compose gives."""
    compose = {name: interpolated(value, given) for name, value in SERVICES[service]["environment"].items()}
    ours = {name: value for name, value in image_environment().items() if name in NAMES}
    return ours | compose


# The image


def test_every_image_has_a_pinned_version() -> None:
    bases = [rest.split()[0] for word, rest in DOCKERFILE if word == "FROM"]
    for image in [*bases, *(service["image"] for service in SERVICES.values())]:
        assert re.fullmatch(r"[a-z]+:\d+(\.\d+)*(-slim)?", image), image


def test_compose_names_the_image_after_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {SERVICES[service]["image"] for service in OURS} == {f"inkwell:{version}"}


def test_the_python_of_the_image_is_one_that_the_project_takes() -> None:
    bases = {rest.split()[0] for word, rest in DOCKERFILE if word == "FROM"}
    assert len(bases) == 1, "the virtual environment would not fit the other Python"
    found = re.match(r"python:3\.(\d+)-", bases.pop())
    assert found
    assert int(found[1]) >= 11


def test_the_image_runs_as_a_numbered_user_who_is_not_root() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", only("USER"))
    last_words = [word for word, _ in LAST_STAGE]
    assert "RUN" not in last_words[last_words.index("USER") :]


def test_the_image_starts_the_server_in_exec_form() -> None:
    entry, command = json.loads(only("ENTRYPOINT")), json.loads(only("CMD"))
    assert [*entry, *command] == ["inkwell", "serve"]


def test_the_settings_of_the_image_are_settings_of_inkwell() -> None:
    interpreter = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
    assert image_environment().keys() - interpreter <= NAMES
    assert image_environment()["ENV"] == "production"
    assert image_environment()["HOST"] == "0.0.0.0"  # noqa: S104  within the container


def test_the_dependencies_are_installed_by_hash_from_the_lock_of_production() -> None:
    installs = [rest for word, rest in DOCKERFILE if word == "RUN" and "install" in rest]
    assert "--require-hashes" in installs[0]
    assert installs[0].endswith("--requirement requirements/production.lock")
    assert "--no-deps --no-build-isolation --editable ." in installs[1], "it would fetch what is not in the lock"


def test_the_migrations_lie_in_the_image_where_the_program_looks_for_them() -> None:
    assert SCRIPTS == ROOT / "alembic"
    copies = [rest for word, rest in LAST_STAGE if word == "COPY"]
    assert {"--from=build /app/src src", "alembic alembic"} <= set(copies)
    assert [rest for word, rest in DOCKERFILE if word == "WORKDIR"] == ["/app", "/app"]


def test_what_is_copied_exists_and_may_enter_the_build() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for word, rest in DOCKERFILE:
        if word == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists()
                assert source.split("/")[0] in allowed


def test_nothing_else_enters_the_build() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    assert not {".env", "compose.env", "data", ".git"} & {line.lstrip("!") for line in lines}


def test_the_health_check_asks_for_a_page_that_exists(app: Quart) -> None:
    paths = re.findall(r"\}(/\w+)'", health_command()[-1])
    assert paths == ["/healthz"]
    assert app.url_map.bind("").match(paths[0], "GET")


# Compose


def test_every_command_of_compose_is_one_of_the_program() -> None:
    assert {tuple(SERVICES[service]["command"]) for service in OURS} <= {(name,) for name in main.commands}


def test_the_api_starts_when_the_migrations_are_done() -> None:
    assert SERVICES["migrate"]["command"] == ["migrate"]
    assert SERVICES["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert SERVICES["api"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("service", OURS)
def test_our_containers_can_do_little_else(service: str) -> None:
    settings = SERVICES[service]
    assert settings["read_only"] is True
    assert settings["cap_drop"] == ["ALL"]
    assert settings["security_opt"] == ["no-new-privileges:true"]
    assert settings["tmpfs"] == ["/tmp"]
    assert "volumes" not in settings
    assert "privileged" not in settings


def test_only_the_api_is_reached_and_only_from_this_machine() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "api": [f"127.0.0.1:8000:{image_environment()['PORT']}"]
    }


def test_what_serves_comes_back_and_what_migrates_does_not() -> None:
    restarts = {name: service["restart"] for name, service in SERVICES.items()}
    assert restarts == {"database": "unless-stopped", "migrate": "no", "api": "unless-stopped"}


def test_the_data_outlive_the_container_of_the_database() -> None:
    """From version 18 on the image keeps them one folder higher than before."""
    assert SERVICES["database"]["image"] == "postgres:18"
    assert SERVICES["database"]["volumes"] == ["database:/var/lib/postgresql"]
    assert "database" in COMPOSE["volumes"]


def test_the_database_sorts_as_the_embedded_one_does() -> None:
    assert SERVICES["database"]["environment"]["POSTGRES_INITDB_ARGS"].split() == INITDB[:-1]


def test_the_workers_together_open_no_more_connections_than_the_database_takes() -> None:
    workers = int(interpolated(SERVICES["api"]["environment"]["WORKERS"], {}))
    fields = Settings.model_fields
    each = fields["database_pool_size"].default + fields["database_pool_overflow"].default
    assert workers * each <= 90, "PostgreSQL's max_connections is 100, and people want to look at it, too"


@pytest.mark.parametrize("service", OURS)
def test_every_variable_is_a_setting(service: str) -> None:
    assert SERVICES[service]["environment"].keys() <= NAMES


@pytest.mark.parametrize("service", OURS)
@pytest.mark.parametrize("missing", SECRETS)
def test_without_a_secret_compose_refuses(service: str, missing: str) -> None:
    with pytest.raises(LookupError, match=f"{missing}: make one with: openssl rand -hex"):
        container_environment(service, {name: value for name, value in SECRETS.items() if name != missing})


def test_no_file_has_a_secret_in_it() -> None:
    telling = re.compile(r"PASSWORD|SECRET|TOKEN|KEY$")
    given = [pair for service in SERVICES.values() for pair in service["environment"].items()]
    for name, value in given:
        if telling.search(name):
            assert re.fullmatch(r"\$\{\w+:[?-][^}]*\}", value), name
    assert re.fullmatch(r"postgresql://inkwell:\$\{POSTGRES_PASSWORD:\?[^}]*\}@database:5432/inkwell", given_url())
    assert not [rest for word, rest in DOCKERFILE if word in {"ENV", "ARG"} and telling.search(rest)]


def given_url() -> str:
    return str(SERVICES["api"]["environment"]["DATABASE_URL"])


@pytest.mark.parametrize("service", OURS)
def test_the_program_takes_the_settings_of_the_container(service: str, tmp_path: Path) -> None:
    checked = inkwell("check-config", environment=container_environment(service, SECRETS), folder=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert [line.partition(" is not set")[0] for line in checked.stderr.splitlines()] == ["Warning: MAIL_URL"]
    assert "ENV=production\n" in checked.stdout
    assert "DATABASE_URL=postgresql://inkwell:***@database:5432/inkwell\n" in checked.stdout
    assert not [secret for secret in SECRETS.values() if secret in checked.stdout]


@pytest.mark.parametrize("missing", ["DATABASE_URL", "JWT_SECRET_KEY"])
def test_without_a_secret_the_program_refuses(missing: str, tmp_path: Path) -> None:
    environment = container_environment("api", SECRETS)
    del environment[missing]
    checked = inkwell("check-config", environment=environment, folder=tmp_path)
    assert checked.returncode == 1
    assert f"ENV=production needs {missing}" in checked.stderr


def test_compose_passes_on_what_the_operator_chooses(tmp_path: Path) -> None:
    chosen = {
        "WORKERS": "2",
        "TRUSTED_PROXIES": "1",
        "CORS_ORIGINS": "https://app.example.com",
        "ADMIN_EMAIL": "root@example.com",
        "ADMIN_PASSWORD": "a fine long password",
        "JWT_PRIVATE_KEY": ED25519_PEM.replace("\n", "\\n"),
    }
    secrets = {"ADMIN_PASSWORD", "JWT_PRIVATE_KEY"}
    environment = container_environment("api", SECRETS | chosen)
    checked = inkwell("check-config", environment=environment, folder=tmp_path).stdout
    for name, value in chosen.items():
        assert f"{name}={'********' if name in secrets else value}\n" in checked


# The two together: what the containers do, with the interpreter of the tests and a database of their own


def test_the_containers_migrate_and_serve_and_write_no_file(empty_database: str, tmp_path: Path) -> None:
    changes = {"DATABASE_URL": empty_database, "PORT": "0", "WORKERS": "1", "DRAIN_SECONDS": "0"}
    environment = {**container_environment("api", SECRETS), **changes, "PYTHONDONTWRITEBYTECODE": "1"}
    migrated = inkwell("migrate", environment=environment, folder=tmp_path)
    assert migrated.returncode == 0, migrated.stderr
    with serving(environment, tmp_path) as (process, port):
        health_check = [sys.executable, *health_command()[1:]]
        healthy = {"PORT": port, "http_proxy": "http://127.0.0.1:9"}
        subprocess.run(health_check, env=healthy, check=True, timeout=30)
        with urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        sick = subprocess.run(health_check, env=healthy, capture_output=True, timeout=30)
        assert sick.returncode != 0
    assert os.listdir(tmp_path) == []


# Two replicas behind the proxy


class Loader(yaml.SafeLoader):
    """Knows Compose's `!reset`, by which a second file takes away what the first one has."""


RESET = object()
Loader.add_constructor("!reset", lambda loader, node: RESET)
REPLICAS_TEXT = (ROOT / "deploy" / "compose.replicas.yml").read_text()
REPLICAS: dict[str, dict[str, Any]] = yaml.load(REPLICAS_TEXT, Loader)["services"]  # noqa: S506  # a SafeLoader
PROXY = (ROOT / "deploy" / "haproxy.cfg").read_text()


def test_the_replicas_are_changed_in_nothing_but_what_there_is_to_change() -> None:
    changed = REPLICAS["api"]
    assert changed.keys() == {"ports", "environment", "deploy"}
    assert changed["ports"] is RESET
    assert changed["environment"].keys() <= SERVICES["api"]["environment"].keys()
    assert changed["environment"]["TRUSTED_PROXIES"] == "1"


def test_the_proxy_alone_is_reached_and_only_from_this_machine_unless_told_otherwise() -> None:
    (published,) = REPLICAS["proxy"]["ports"]
    assert interpolated(published, {}) == "127.0.0.1:8000:8000"
    assert re.search(r"^    bind :8000$", PROXY, re.MULTILINE)


def test_the_proxy_knows_every_replica_by_the_name_of_its_container() -> None:
    count = REPLICAS["api"]["deploy"]["replicas"]
    known = re.findall(r"^    server \S+ (\S+)$", PROXY, re.MULTILINE)
    assert known == [f"{COMPOSE['name']}-api-{n}:{image_environment()['PORT']}" for n in range(1, count + 1)]


def test_the_proxys_container_can_do_little_else_and_reads_what_is_shipped() -> None:
    proxy = REPLICAS["proxy"]
    assert re.fullmatch(r"haproxy:\d+\.\d+", proxy["image"])
    assert (proxy["read_only"], proxy["cap_drop"]) == (True, ["ALL"])
    (source, _, mode) = proxy["volumes"][0].split(":")
    assert (ROOT / source).is_file()
    assert mode == "ro"


def test_all_replicas_together_open_no_more_connections_than_the_database_takes() -> None:
    workers = int(interpolated(REPLICAS["api"]["environment"]["WORKERS"], {})) * REPLICAS["api"]["deploy"]["replicas"]
    assert workers <= int(interpolated(SERVICES["api"]["environment"]["WORKERS"], {}))


def test_the_proxy_lets_go_of_idle_connections_before_inkwell_does() -> None:
    kept = re.search(r"^    timeout http-keep-alive (\d+)s$", PROXY, re.MULTILINE)
    assert kept
    assert int(kept[1]) < KEEP_ALIVE_SECONDS


def test_the_proxy_waits_for_as_long_as_a_request_may_take() -> None:
    patience = re.search(r"^    timeout server (\d+)s$", PROXY, re.MULTILINE)
    fields = ("body_timeout_seconds", "request_wait_seconds", "request_timeout_seconds")
    assert patience
    assert int(patience[1]) > sum(Settings.model_fields[field].default for field in fields)


def test_the_proxy_takes_headers_as_long_as_inkwell_does() -> None:
    room = re.search(r"^    tune.bufsize (\d+)$", PROXY, re.MULTILINE)
    assert room
    assert int(room[1]) - HAPROXYS_RESERVE_BYTES == LONGEST_HEADERS_BYTES

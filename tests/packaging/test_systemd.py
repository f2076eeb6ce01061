"""The unit for systemd, and what systemd is told."""

import configparser
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from inkwell.settings import load_settings
from inkwell.supervisor import PARTING_SECONDS
from inkwell.systemd import notify
from tests.conftest import SECRET

UNIT = Path(__file__).parents[2] / "deploy" / "inkwell.service"


@pytest.fixture
def service() -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    parser.read(UNIT)
    return parser["Service"]


def test_the_unit_starts_reloads_and_stops_as_the_parent_wants_it(service: configparser.SectionProxy) -> None:
    assert service["ExecStart"].endswith("/.venv/bin/inkwell serve")
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert (service["Type"], service["KillMode"]) == ("notify", "mixed")


def test_it_has_the_time_that_stopping_takes(service: configparser.SectionProxy) -> None:
    settings = load_settings(env="production", jwt_secret_key=SECRET, database_url="postgresql://localhost/x")
    longest = settings.drain_time.total_seconds() + settings.grace_seconds + PARTING_SECONDS
    assert int(service["TimeoutStopSec"]) > longest


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    program = shutil.which("true")
    unit = tmp_path / "inkwell.service"
    unit.write_text(UNIT.read_text().replace("/opt/inkwell/.venv/bin/inkwell", str(program)))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60
    )
    assert "inkwell.service" not in verified.stderr, verified.stderr


@pytest.mark.parametrize("kind", ["file", "abstract"])
def test_systemd_hears_when_it_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    address = str(tmp_path / "notify") if kind == "file" else f"@{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address.replace("@", "\0", 1))
        systemd.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        notify("READY=1")
        assert systemd.recv(100) == b"READY=1"


def test_where_systemd_is_not_there_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/notify")
    notify("READY=1")

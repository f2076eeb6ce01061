"""Nothing is installed into a .venv, from which others may run just now, unless something is missing there."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "environment"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in ("requirements", ".venv", "programs"):
        (tmp_path / folder).mkdir()
    for name in ("requirements/run.lock", "requirements/dev.lock", "pyproject.toml"):
        (tmp_path / name).write_text(f"{name}\n")
    for program in ("cat", "cmp"):
        (tmp_path / "programs" / program).symlink_to(str(shutil.which(program)))
    return tmp_path


def note_as_installed(checkout: Path, kind: str) -> None:
    wanted = (checkout / "requirements" / f"{kind}.lock").read_text() + (checkout / "pyproject.toml").read_text()
    (checkout / ".venv" / f"{kind}.installed").write_text(f"{wanted}{checkout}\n")


def installs(checkout: Path, kind: str) -> bool:
    """Whether it would: there is no Python on this path, and it says so instead."""
    environment = {"PATH": str(checkout / "programs"), "PYTHON": "none"}
    command = ["/bin/sh", str(SCRIPT), kind]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == ("Python 3.11 or newer" in done.stderr), done.stderr
    return bool(done.returncode)


@pytest.mark.parametrize(
    ("there", "wanted", "missing"),
    [
        ("run", "run", False),
        ("dev", "dev", False),
        ("dev", "run", False),
        ("run", "dev", True),
    ],
)
def test_whoever_has_the_tools_has_all_that_runs(checkout: Path, there: str, wanted: str, missing: bool) -> None:
    assert installs(checkout, wanted)
    note_as_installed(checkout, there)
    assert installs(checkout, wanted) == missing


@pytest.mark.parametrize("changed", ["requirements/dev.lock", "pyproject.toml"])
@pytest.mark.parametrize("wanted", ["run", "dev"])
def test_what_was_installed_before_a_change_is_not_enough(checkout: Path, wanted: str, changed: str) -> None:
    note_as_installed(checkout, "dev")
    with (checkout / changed).open("a") as file:
        file.write("new\n")
    assert installs(checkout, wanted)


def test_an_environment_that_was_copied_here_is_not_enough(checkout: Path) -> None:
    note_as_installed(checkout, "dev")
    other = checkout.with_name("other")
    checkout.rename(other)
    assert installs(other, "run")

"""The shell lines of README.md, the tutorial and the how-to pages are run, and their answers compared."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import open_folder
from tests.packaging.servers import in_a_terminal

ROOT = Path(__file__).parents[2]
HOW_TO = sorted(f"docs/how-to/{page.name}" for page in (ROOT / "docs" / "how-to").glob("*.md"))
TOURS = [["docs/tutorial.md"], ["README.md", *HOW_TO]]  # each from an empty database on
FENCED = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^ {4}(\S.*?)(?: {2,}.*)?$", re.MULTILINE)  # a command, and behind it what it does
START, TEST = "make run", "make test"
TOOLS = all(map(shutil.which, ("bash", "curl", "make", "openssl")))
OWN = Path(sys.prefix) == ROOT / ".venv" and not (ROOT / ".env").exists()
SKIP_NOTHING = "INKWELL_TESTS_SKIP_NOTHING" in os.environ
BETWEEN = "---- next step ----\n"
VOLATILE = re.compile(r"(.*_)?id|at|.*_at|.*_token|next_cursor")


@dataclass
class Step:
    """A block of commands, and what is shown below it, if anything."""

    commands: str
    language: str = ""
    shown: str = ""

    def expects(self, output: str) -> bool:
        if self.language == "json":
            return bool(lasting(json.loads(output)) == lasting(json.loads(self.shown)))
        return not self.language or output.strip() == self.shown.strip()


def steps(page: str) -> list[Step]:
    """What is marked `bash` is run; `sh` needs another machine, or would change this one."""
    found: list[Step] = []
    for language, text in FENCED.findall((ROOT / page).read_text()):
        if language == "bash" and text.strip() != START:
            found.append(Step(text))
        elif language in {"json", "text"} and found and not found[-1].language:
            found[-1].language, found[-1].shown = language, text
    return found


def commands(page: str) -> list[str]:
    """What stands alone: it is run in a terminal of its own."""
    text = (ROOT / page).read_text()
    starts = [START for _, block in FENCED.findall(text) if block.strip() == START]
    return starts + INDENTED.findall(FENCED.sub("", text))


def lasting(value: Any) -> Any:
    """The answer with what differs from run to run replaced by its type; keys in their order."""
    if isinstance(value, dict):
        return [(key, type(part) if VOLATILE.fullmatch(key) else lasting(part)) for key, part in value.items()]
    return [lasting(part) for part in value] if isinstance(value, list) else value


def follow(page: str, port: str, environment: dict[str, str], folder: Path) -> list[tuple[Step, str]]:
    """Each step with what it printed."""
    script = f"printf %s {shlex.quote(BETWEEN)}\n".join(step.commands for step in steps(page))
    script = script.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{port}")
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (page, done.stderr, done.stdout)
    return list(zip(steps(page), done.stdout.split(BETWEEN), strict=True))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the commands are typed: the program is there, and nothing else."""
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """Nothing but another port and another folder for the data."""
    with open_folder() as data:
        yield {"PATH": os.environ["PATH"], "PORT": "0", "DATA_DIR": str(data)}


needs_tools = pytest.mark.skipif(not (TOOLS or SKIP_NOTHING), reason="the pages are made of bash, curl, make, openssl")
needs_own = pytest.mark.skipif(
    not (OWN or SKIP_NOTHING), reason="make would use another .venv than this one, or the settings of a file .env"
)


@pytest.mark.parametrize(("page", "alone"), [("docs/tutorial.md", [START]), ("README.md", [START, TEST])])
def test_every_shell_line_is_among_what_is_run(page: str, alone: list[str]) -> None:
    languages = [language for language, _ in FENCED.findall((ROOT / page).read_text())]
    assert commands(page) == alone
    assert len(steps(page)) >= 3
    assert set(languages) <= {"bash", "json", "text"}
    assert sum(bool(step.language) for step in steps(page)) == len(languages) - languages.count("bash")


@needs_tools
@needs_own
@pytest.mark.parametrize("pages", TOURS, ids=" ".join)
def test_the_pages_answer_as_they_show(pages: list[str], environment: dict[str, str], folder: Path) -> None:
    log = folder.with_name(f"{folder.name}.log")
    with in_a_terminal(START, environment, ROOT, log) as port:
        for page in filter(steps, pages):
            for step, output in follow(page, port, environment, folder):
                assert step.expects(output), (page, step, output)
    assert "Traceback" not in log.read_text()
    assert not list(Path(environment["DATA_DIR"]).rglob("postmaster.pid"))


@needs_tools
@needs_own
def test_the_tests_run_as_the_readme_says() -> None:
    """One file of them, so that this ends, without measuring what they cover."""
    options = "tests/api/test_purges.py --no-cov -W ignore::pytest_cov.CovDisabledWarning -p no:cacheprovider"
    environment = {"PATH": os.environ["PATH"], "PYTEST_ADDOPTS": options, "PYTEST_XDIST_AUTO_NUM_WORKERS": "1"}
    done = subprocess.run(["bash", "-c", TEST], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert re.search(r"^=+ 2 passed in ", done.stdout, re.MULTILINE)

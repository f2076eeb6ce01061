"""The shell lines of README.md, the tutorial and the how-to pages are run, and their answers compared."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SECRET
from tests.packaging.servers import serving

ROOT = Path(__file__).parents[2]
HOW_TO = sorted(f"docs/how-to/{page.name}" for page in (ROOT / "docs" / "how-to").glob("*.md"))
PAGES = ["docs/tutorial.md", "README.md", *HOW_TO]  # the tutorial first: it looks at lists that others add to
FENCED = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
STARTS_THE_SERVER = "make run\n"
TOOLS = all(map(shutil.which, ("bash", "curl", "openssl")))
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
        if language == "bash" and text != STARTS_THE_SERVER:
            found.append(Step(text))
        elif language in {"json", "text"} and found and not found[-1].language:
            found[-1].language, found[-1].shown = language, text
    return found


def lasting(value: Any) -> Any:
    """The answer with what differs from run to run replaced by its type; keys in their order."""
    if isinstance(value, dict):
        return [(key, type(part) if VOLATILE.fullmatch(key) else lasting(part)) for key, part in value.items()]
    return [lasting(part) for part in value] if isinstance(value, list) else value


def follow(page: str, port: str, environment: dict[str, str], folder: Path) -> list[tuple[Step, str]]:
    """Each step with what it printed."""
    script = f"printf %s {shlex.quote(BETWEEN)}\n".join(step.commands for step in steps(page))
    script = script.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{port}")
    script = script.replace(".venv/bin/inkwell", f"{shlex.quote(sys.executable)} -P -m inkwell")
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (page, done.stderr, done.stdout)
    return list(zip(steps(page), done.stdout.split(BETWEEN), strict=True))


@pytest.mark.parametrize("page", ["docs/tutorial.md", "README.md"])
def test_every_shell_line_is_among_what_is_run(page: str) -> None:
    languages = [language for language, _ in FENCED.findall((ROOT / page).read_text())]
    assert len(steps(page)) >= 3
    assert set(languages) <= {"bash", "json", "text"}
    assert sum(bool(step.language) for step in steps(page)) == len(languages) - languages.count("bash")


@pytest.mark.skipif(not (TOOLS or SKIP_NOTHING), reason="the pages are made of bash, curl and openssl")
def test_the_pages_answer_as_they_show(database_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": database_url, "JWT_SECRET_KEY": SECRET, "PORT": "0", "WORKERS": "1"}
    environment = {"PATH": os.environ["PATH"]} | settings
    with serving(environment, tmp_path) as (_, port):
        for page in filter(steps, PAGES):
            for step, output in follow(page, port, environment, tmp_path):
                assert step.expects(output), (page, step, output)

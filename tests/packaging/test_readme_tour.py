"""The tour in README.md is run, and its answers are compared."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SECRET
from tests.packaging.servers import serving

TEXT = (Path(__file__).parents[2] / "README.md").read_text()
TOUR = TEXT.partition("## A tour")[2].partition("\n## ")[0]
# Each block of commands with the answer that follows it.
STEPS = re.findall(r"```bash\n(.*?)```\s+```json\n(.*?)```", TOUR, re.DOTALL)
TOOLS = shutil.which("bash") and shutil.which("curl")
SKIP_NOTHING = "INKWELL_TESTS_SKIP_NOTHING" in os.environ
BETWEEN = "---- next step ----"
VOLATILE = re.compile(r"(.*_)?id|.*_at|.*_token")


def lasting(value: Any) -> Any:
    """The answer with what differs from run to run replaced by its type; keys in their order."""
    if isinstance(value, dict):
        return [(key, type(part) if VOLATILE.fullmatch(key) else lasting(part)) for key, part in value.items()]
    return [lasting(part) for part in value] if isinstance(value, list) else value


def test_every_block_of_commands_has_its_answer() -> None:
    assert len(STEPS) == TOUR.count("```bash") == TOUR.count("```json") >= 8


@pytest.mark.skipif(not (TOOLS or SKIP_NOTHING), reason="the tour is made of bash and curl")
def test_the_tour_answers_as_the_readme_shows(database_url: str, tmp_path: Path) -> None:
    path = {"PATH": os.environ["PATH"]}
    settings = {"DATABASE_URL": database_url, "JWT_SECRET_KEY": SECRET, "PORT": "0", "WORKERS": "1"}
    script = f"echo '{BETWEEN}'\n".join(commands for commands, _ in STEPS)
    with serving(path | settings, tmp_path) as (_, port):
        script = script.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{port}")
        command = ["bash", "-euo", "pipefail", "-c", script]
        output = subprocess.run(command, env=path, capture_output=True, text=True, timeout=60, check=True).stdout
    answers = [lasting(json.loads(answer)) for answer in output.split(BETWEEN)]
    assert answers == [lasting(json.loads(shown)) for _, shown in STEPS]

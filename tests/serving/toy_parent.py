"""The real parent with toy workers; what the preparation of the database does is in the environment."""

import os
import sys
from pathlib import Path

from inkwell import reloading
from inkwell.logs import configure_logging
from inkwell.settings import ConfigurationError, Settings, load_settings
from inkwell.supervisor import DatabaseAway, run

WORKER = (sys.executable, str(Path(__file__).with_name("toy_worker.py")))
attempts = 0


async def prepare(_: Settings) -> None:
    global attempts
    attempts += 1
    if attempts <= int(os.environ.get("TOY_ABSENCES", "0")):
        raise DatabaseAway("connection refused")
    if refusal := os.environ.get("TOY_REFUSAL"):
        raise ConfigurationError(refusal)
    print(f"prepared {attempts}", flush=True)


def announce(url: str, data: str) -> None:
    print(f"data in {data}, serving {url}", flush=True)


if __name__ == "__main__":
    reloading.CODE = Path(os.environ.get("TOY_CODE", "/nowhere"))
    settings = load_settings()
    configure_logging(settings.log_format)
    sys.exit(run(settings, prepare, announce, WORKER))

"""The contenders that had to be written."""

import os
import subprocess
import sys


def make_tables(peer: str, database_url: str) -> None:
    """Lets the peer make its tables, in a process of its own: a peer reads its settings when it is imported."""
    script = f"from benchmarks.peers.{peer} import make_tables; make_tables()"
    environment = os.environ | {"DATABASE_URL": database_url}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)

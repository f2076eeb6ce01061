"""What happens when things go wrong, on the real program: restarts, kills, outages, rude clients, too much at once.

Each test prints its figure. INKWELL_FAULTS=full (`make faults`) takes the sizes that are worth quoting; otherwise they
are such that the suite stays quick. Nothing but what has a limit in the settings is asserted of times.
"""

import os

FULL = os.environ.get("INKWELL_FAULTS") == "full"


def sized(full: int, short: int) -> int:
    """How many, in this run."""
    return full if FULL else short

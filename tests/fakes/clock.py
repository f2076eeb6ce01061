"""A clock for tests."""

from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that moves on by a second whenever somebody looks, so that no two things happen at once."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

"""Whether this worker has begun to stop."""


class Draining:
    """False until the worker begins to drain, then true for good.

    While it is true, /readyz answers 503 and every reply says `Connection: close`, so that nobody is still
    using this worker when it stops.
    """

    def __init__(self) -> None:
        self._begun = False

    def begin(self) -> None:
        self._begun = True

    def __bool__(self) -> bool:
        return self._begun

"""Whether this worker has begun to stop, and whether its node does."""


class Draining:
    """False until the worker begins to drain, then true for good: every reply says `Connection: close`, so that nobody
    is still using this worker when it stops.

    Once `node_stops`, /readyz answers 503. It is not, where other workers of the node take over.
    """

    def __init__(self) -> None:
        self._begun = self.node_stops = False

    def begin(self, *, node_stops: bool = True) -> None:
        """Called again, it may be the node's end, too; never the other way round."""
        self._begun = True
        self.node_stops |= node_stops

    def __bool__(self) -> bool:
        return self._begun

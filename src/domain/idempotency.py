"""Requests that bear a key: done once, and answered again."""

from domain.values import value


@value
class KeptAnswer:
    """An answer as the edge wrote it down; by the fingerprint another request is known to be the same."""

    fingerprint: bytes
    answer: bytes

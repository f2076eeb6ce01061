"""Requests that bear a key: done once, and answered again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as the edge wrote it down; by the fingerprint another request is known to be the same."""

    fingerprint: bytes
    answer: bytes

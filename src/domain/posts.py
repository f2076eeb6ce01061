"""Posts: written by one author, seen by everybody once published."""

from dataclasses import field
from datetime import datetime
from html import escape
from uuid import UUID

from domain.permissions import Permission, may
from domain.users import Actor
from domain.values import value
from domain.versions import UNSHOWN

HIT_STARTS, HIT_ENDS = "\x02", "\x03"  # around a hit, until the text is escaped; storage takes them out of it before


@value
class Post:
    """A post; `published_at` is when it was first published, and stays when it is hidden again."""

    id: UUID
    title: str
    content: str
    published: bool
    author_id: UUID
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    version: int = field(metadata=UNSHOWN)

    def visible_to(self, reader: Actor | None) -> bool:
        return may(reader, Permission.POST_READ if self.published else Permission.POST_READ_DRAFT, self.author_id)


@value
class FoundPost(Post):
    """A post that a search found; `snippet` is HTML: a passage of it, escaped, with `<mark>` around what was found."""

    snippet: str


@value
class PostFilter:
    """Which posts a list is of; what is None does not narrow it.

    `q` is a full-text search; `published_from` belongs to the range, `published_to` no longer.
    """

    author: UUID | None = None
    published: bool | None = None
    published_from: datetime | None = None
    published_to: datetime | None = None
    q: str | None = None


def snippet(passage: str) -> str:
    """The passage as harmless HTML: what is in it is text, and the marks are ours alone."""
    return escape(passage).replace(HIT_STARTS, "<mark>").replace(HIT_ENDS, "</mark>")

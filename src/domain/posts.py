"""Posts: written by one author, seen by everybody once published."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.users import Actor
from domain.versions import UNSHOWN


@dataclass(frozen=True, slots=True)
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
        """A draft shows itself to its author and to admins alone."""
        return self.published or (reader is not None and (reader.is_admin or reader.id == self.author_id))

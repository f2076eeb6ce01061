"""Types as answers in JSON."""

from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import SchemaSerializer
from pydantic_core.core_schema import to_string_ser_schema

T = TypeVar("T")


def adapter_of(kind: type[T]) -> TypeAdapter[T]:
    """pydantic's own, that writes ids by their text.

    Those of rows are asyncpg's, a class of its own below UUID, and pydantic goes through all that it knows to find out
    what one is: 0.7 microseconds for each, which is a third of what a page of posts takes.
    """
    adapter = TypeAdapter(kind)
    adapter.serializer = SchemaSerializer(_with_ids_as_text(adapter.core_schema))
    return adapter


def _with_ids_as_text(schema: Any) -> Any:
    if isinstance(schema, (list, tuple)):
        return type(schema)(_with_ids_as_text(part) for part in schema)
    if not isinstance(schema, dict):
        return schema
    text = {"serialization": to_string_ser_schema()} if schema.get("type") == "uuid" else {}
    return {key: _with_ids_as_text(part) for key, part in schema.items()} | text

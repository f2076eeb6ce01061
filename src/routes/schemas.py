"""JSON Schemas of the types that run, as the document shows them."""

from collections.abc import Iterable
from typing import Any, Literal, get_args, get_origin

from pydantic import TypeAdapter

Mode = Literal["validation", "serialization"]
Schema = dict[str, Any]
Use = tuple[Any, Mode]

PLACE = "#/components/schemas/"


def make_schemas(uses: Iterable[Use]) -> dict[str, Schema]:
    """The schemas of these types and of those inside, by their names."""
    asked = [(kind, mode, TypeAdapter(kind)) for kind, mode in dict.fromkeys(uses)]
    places, found = TypeAdapter.json_schemas(asked, ref_template=PLACE + "{model}")
    names = {place["$ref"]: PLACE + name_of(kind) for (kind, _), place in places.items()}
    schemas = {names.get(PLACE + name, PLACE + name): schema for name, schema in found["$defs"].items()}
    return {
        place.removeprefix(PLACE): _renamed(tidy(schema), names) | _closed(schema)
        for place, schema in sorted(schemas.items())
    }


def name_of(kind: Any) -> str:
    """PostPage for Page[FoundPost | Post]: the last one is what all of them are."""
    if origin := get_origin(kind):
        content = get_args(kind)[0]
        return f"{(get_args(content) or (content,))[-1].__name__}{origin.__name__}"
    name: str = kind.__name__
    return name


def ref(kind: Any) -> Schema:
    return {"$ref": PLACE + name_of(kind)}


def tidy(schema: Any) -> Any:
    """Without the titles that pydantic makes of names, and without what says nothing."""
    if isinstance(schema, list):
        return [tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _tidy_part(key, part) for key, part in schema.items() if not _is_empty(key, part)}


def without_null(schema: Schema) -> Schema:
    """For a parameter, which is there or is not."""
    bare = {key: part for key, part in schema.items() if not (key == "default" and part is None)}
    parts = [part for part in bare.pop("anyOf", []) if part != {"type": "null"}]
    return (parts[0] if parts else {}) | bare


def _tidy_part(key: str, part: Any) -> Any:
    return {name: tidy(inner) for name, inner in part.items()} if key == "properties" else tidy(part)


def _is_empty(key: str, part: Any) -> bool:
    is_empty_default = key == "default" and part in (None, "")  # only where a PATCH leaves something as it is
    return is_empty_default or (key == "title" and isinstance(part, str)) or (key, part) == ("minLength", 0)


def _closed(schema: Schema) -> Schema:
    """The contract fixes which keys there are, unless a type says otherwise."""
    return {"additionalProperties": schema.get("additionalProperties", False)} if "properties" in schema else {}


def _renamed(schema: Any, names: dict[str, str]) -> Any:
    """With the names that were chosen, wherever the schema refers to others."""
    if isinstance(schema, dict):
        return {key: _renamed(part, names) for key, part in schema.items()}
    if isinstance(schema, list):
        return [_renamed(part, names) for part in schema]
    return names.get(schema, schema) if isinstance(schema, str) else schema

"""The origins of browsers, as the settings list them."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

# What browsers send as Origin (RFC 6454, 6.2): lower case, ASCII, and no port where it is the scheme's own.
ORIGIN = re.compile(r"(https?)://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?")
OWN_PORT = {"http": "80", "https": "443"}


def _split_origins(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _exact_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        if origin != "*" and not _is_origin(origin):
            raise ValueError(
                f"{origin!r} is not an exact origin such as https://app.example.com; patterns are not taken"
            )
    return origins


def _is_origin(text: str) -> bool:
    origin = ORIGIN.fullmatch(text)
    return origin is not None and origin[2] != OWN_PORT[origin[1]] and int(origin[2] or 0) <= 65535


Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_origins), AfterValidator(_exact_origins)]

"""Answers in JSON: the same as pydantic's own, whichever class an id is of."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from asyncpg.pgproto import pgproto
from pydantic import TypeAdapter

from domain.pages import Page, Pagination
from domain.users import Account, User
from routes.adapters import adapter_of

ID = "0198c0de-0000-7000-8000-000000000000"
NOW = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize("kind", [UUID, pgproto.UUID])
def test_an_adapter_writes_what_pydantic_would(kind: type[UUID]) -> None:
    account = Account(kind(ID), "ada@example.com", None, None, "user", NOW, 1, True, False, NOW)
    page = Page[Account | User]([account, account.public], Pagination(1, 20, 2, 1, None))
    written = adapter_of(Page[Account | User]).serializer.to_json(page)
    assert written == TypeAdapter(Page[Account | User]).dump_json(page)
    assert written.count(f'"{ID}"'.encode()) == 2

"""Values: equal by what is in them, and not to be changed."""

import pytest

from domain.users import Client

HERE = Client("192.0.2.1", "A browser", "a request")


def test_values_with_the_same_fields_are_equal_and_one_key() -> None:
    assert {Client("192.0.2.1", "A browser", "a request"): 1} == {HERE: 1}


def test_a_value_has_no_fields_but_its_own() -> None:
    with pytest.raises(AttributeError):
        HERE.name = "new"  # type: ignore[attr-defined]


def test_mypy_refuses_to_change_a_value() -> None:
    client = Client("192.0.2.1", None)
    client.ip = None  # type: ignore[misc]  # mypy would say so if there were nothing here to ignore

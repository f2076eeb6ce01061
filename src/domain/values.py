"""Values: what is read from a row or a request, and does not change any more."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(kind: type[T]) -> type[T]:
    """A dataclass that mypy keeps from being changed: a frozen one takes seven times as long to make, for it asks at
    run time (docs/decisions/0035)."""
    return dataclass(slots=True, unsafe_hash=True)(kind)

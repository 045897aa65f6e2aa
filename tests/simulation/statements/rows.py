"""A read model's row as the database hands it out."""

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any


def astuple(row: Any) -> tuple[Any, ...]:
    return _values_of(row.__class__)(row)


@cache
def _values_of(row: type[Any]) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*(field.name for field in fields(row)))

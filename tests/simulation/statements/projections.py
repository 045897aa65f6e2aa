"""Twins of what keeps read models: four statements for each model's table, made from the model as the real ones are."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from services.chassis import projections
from services.chassis.projections import ReadModel, store_of
from tests.simulation.connection import TWINS, twin
from tests.simulation.services import MODELS
from tests.simulation.tables import Transaction


class Live(NamedTuple):
    version: int
    generation: int


GENERATION = 1
VERSIONS = {model.name: model.version for models in MODELS.values() for model in models}


@twin(projections.LIVE)
def live(transaction: Transaction, name: str) -> list[Live]:
    """No model is rebuilt in a schedule."""
    del transaction
    return [Live(VERSIONS[name], GENERATION)]


def install(model: ReadModel[Any]) -> None:
    """The four statements of its first generation."""
    statements, table, row_of = store_of(model, GENERATION), model.name, model.row

    def read(transaction: Transaction, keys: Sequence[UUID]) -> list[Any]:
        found = [transaction.get(table, key) for key in keys]
        return [statements.values(row) for row in found if row is not None]

    def write(transaction: Transaction, *columns: Sequence[Any]) -> int:
        rows = [row_of(*values) for values in zip(*columns, strict=True)]
        for values in zip(*columns, strict=True):
            transaction.put(table, values[0], row_of(*values))
        return len(rows)

    def add(transaction: Transaction, *columns: Sequence[Any]) -> int:
        for values in zip(*columns, strict=True):
            transaction.insert(table, values[0], row_of(*values))
        return len(columns[0])

    def delete(transaction: Transaction, keys: Sequence[UUID]) -> int:
        for key in keys:
            transaction.remove(table, key)
        return len(keys)

    TWINS.setdefault(statements.read, read)
    TWINS.setdefault(statements.add, add)
    TWINS.setdefault(statements.write, write)
    TWINS.setdefault(statements.delete, delete)


for _models in MODELS.values():
    for _model in _models:
        install(_model)

"""Figures as of now, kept until the case facts change: a board that is looked at often counts once."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.reporting.read_models.case_fact import CASE_FACT
from services.reporting.read_models.figures import By, Figures, Question, figures

MOST = 64

# A count may already hold an event behind the cursor that it is kept under, never miss one before it.
_STANDING = """
SELECT coalesce((SELECT position FROM cursor WHERE consumer = $1), 0),
    coalesce((SELECT generation FROM read_model WHERE name = $1), 0)
"""


class Remembered:
    """What was counted lately. The reader's right to the question's area is checked before."""

    def __init__(self) -> None:
        self._counted: OrderedDict[Hashable, list[Figures]] = OrderedDict()

    async def figures(
        self, connection: AsyncConnection, question: Question, groupings: Sequence[frozenset[By]]
    ) -> list[Figures]:
        if question.then:
            return await figures(connection, question, groupings)
        standing = (await connection.exec_driver_sql(_STANDING, (CASE_FACT.name,))).one()
        key = (*standing, question.area, question.first, question.last, *groupings)
        if key not in self._counted:
            self._counted[key] = await figures(connection, question, groupings)
            if len(self._counted) > MOST:
                self._counted.popitem(last=False)
        return self._counted[key]

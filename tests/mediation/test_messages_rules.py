"""What whoever works on a case writes to its resident: who may, and until when."""

import pytest

from services.contracts.cases import CaseErased, CaseMessageWritten, Closure
from services.mediation.domain.commands import Actor, WriteMessage
from services.mediation.domain.decider import CASES
from services.mediation.domain.errors import AlreadyClosed, NotOpened, NotYourLevel, WordsErased
from tests.given import Given
from tests.mediation.happened import (
    EAST,
    MEI,
    TEXT,
    acknowledged,
    assigned,
    closed,
    escalated,
    opened,
    resolved,
)

given = Given(CASES)

WRITE = WriteMessage(MEI, TEXT)
WRITTEN = CaseMessageWritten(by="mei", message=TEXT)


@pytest.mark.parametrize(
    "before",
    [
        (opened(),),
        (opened(), assigned(MEI), acknowledged(MEI)),
        (opened(), resolved()),
        (opened(), resolved(), closed(Closure.WINDOW_ENDED)),
        (opened(), escalated(), assigned(MEI)),
    ],
)
def test_who_may_act_on_it_writes_also_when_it_has_ended(before: tuple[CaseErased, ...]) -> None:
    given(*before).when(WRITE).then(WRITTEN)
    given(*before, WRITTEN).when(WRITE).then(WRITTEN)


def test_nobody_writes_to_a_resident_of_another_level_or_to_one_who_took_it_back() -> None:
    given(opened(), escalated()).when(WRITE).refused(NotYourLevel, level=EAST)
    given(opened(), closed(Closure.WITHDRAWN)).when(WRITE).refused(AlreadyClosed)
    given().when(WRITE).refused(NotOpened)
    given(opened()).when(WriteMessage(Actor("far", ("/lakeside/west/",)), TEXT)).refused(
        NotYourLevel, level=opened().level
    )


def test_of_an_erased_case_nothing_is_written() -> None:
    given(opened(), CaseErased()).when(WRITE).refused(WordsErased)

"""What fails inside tells where it failed, never what a resident wrote."""

import io
import logging
from collections.abc import Generator
from typing import Any

import pytest
import stamina
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from structlog.stdlib import ProcessorFormatter

from services.intake import taking
from tests.intake.door import API, FrontDoor
from tests.services import keyed

MARK = "Zxqvy-Marked-4417"


@pytest.fixture
def log() -> Generator[io.StringIO]:
    """What the service writes to its log, as it was configured: a logger keeps the processors that it began with."""
    root, said = logging.getLogger(), io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(next(one.formatter for one in root.handlers if isinstance(one.formatter, ProcessorFormatter)))
    root.addHandler(handler)
    yield said
    root.removeHandler(handler)


async def test_a_failure_that_quotes_the_report_is_logged_without_it(
    door: FrontDoor, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def quoting(*_: Any) -> None:
        raise RuntimeError(f"could not store {MARK}")

    monkeypatch.setattr(taking, "handle", quoting)
    answer = await door.client.post(f"{API}/reports", json=door.report_form(text=MARK), headers=keyed())
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "RuntimeError" in log.getvalue(), "the positive control must be found"
    assert MARK not in answer.text + log.getvalue()


async def test_a_failing_statement_is_told_without_its_parameters(door: FrontDoor, log: io.StringIO) -> None:
    with pytest.raises(ProgrammingError) as failed:
        async with door.service.worker.connect() as connection:
            await connection.execute(text("SELECT CAST(:words AS text) FROM nowhere"), {"words": MARK})
    logging.getLogger("doorstep").error("failed", exc_info=failed.value)
    assert "ProgrammingError" in log.getvalue(), "the positive control must be found"
    assert MARK not in str(failed.value) + log.getvalue()


def test_what_is_tried_again_is_told_without_its_text(log: io.StringIO) -> None:
    @stamina.retry(on=ConnectionError, attempts=2, wait_max=0.01)
    def away() -> None:
        raise ConnectionError(f"to {MARK}")

    with pytest.raises(ConnectionError):
        away()
    assert "tried again" in log.getvalue(), "the positive control must be found"
    assert "ConnectionError" in log.getvalue()
    assert MARK not in log.getvalue()

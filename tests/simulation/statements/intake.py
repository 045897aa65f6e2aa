"""Twins of intake's own statements: what an erasure takes away."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.intake import erasure, set_aside
from services.intake.attachments import rows as attachments
from services.intake.read_models import case_status
from tests.simulation.connection import as_sent, twin
from tests.simulation.statements.rows import astuple
from tests.simulation.tables import Transaction


@twin(set_aside.HOLD)
def hold(transaction: Transaction, case_ids: Sequence[UUID]) -> None:
    for case_id in case_ids:
        transaction.lock("advisory", case_id)


@twin(erasure.DROP_ASIDE)
def drop_aside(transaction: Transaction, case_id: UUID) -> int:
    gone = [row.ref for row in transaction.scan("set_aside") if row.case_id == case_id]
    for ref in gone:
        transaction.remove("set_aside", ref)
    return len(gone)


@twin(attachments.ERASE)
def erase_attachments(transaction: Transaction, case_id: UUID) -> int:
    """Nobody sends photos there: what they leave is tests/intake/test_attachments_erased.py's business."""
    assert not list(transaction.scan("attachment"))
    return 0


@twin(attachments.DUE)
def doomed_blobs(transaction: Transaction, _at: datetime) -> list[tuple[str]]:
    assert not list(transaction.scan("doomed_blob"))
    return []


@twin(erasure.DROP_CONTACT)
def drop_contact(transaction: Transaction, sign_up: UUID) -> int:
    there = transaction.get("particulars", sign_up) is not None
    if there:
        transaction.remove("particulars", sign_up)
    return int(there)


@twin(erasure.NOTE_ERASED)
def note_erased(transaction: Transaction, case_id: UUID) -> int:
    transaction.put("erased", case_id, (case_id,))
    return 1


@twin(str(as_sent(select(case_status.TABLE).where(case_status.TABLE.c.case_id == UUID(int=0)))))
def status_of(transaction: Transaction, case_id: UUID) -> list[tuple[Any, ...]]:
    row = transaction.get("case_status", case_id)
    return [astuple(row)] if row is not None else []

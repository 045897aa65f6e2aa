"""Which errors pass by themselves, so that the same work may simply be tried again."""

from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.chassis.telemetry import log

_PASSING_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})
"""SQLSTATE: connection, rollback (deadlock, serialization), resources, object in use, operator, system."""


class Passing(Exception):
    """Base of our own errors that pass by themselves."""


class StoreUnavailable(Passing):
    """The database can't be reached; nothing is known to be stored, and a repeat with the same key is safe."""


def passes(error: BaseException) -> bool:
    """Whether trying again can help.

    asyncpg tells of a lost server by SQLSTATE, not by class; and an argument that no column takes is, to it, an
    `InterfaceError` too, which no repetition cures.
    """
    if isinstance(error, DBAPIError):
        cause = error.orig.__cause__ if error.orig is not None else None
        state = getattr(error.orig, "sqlstate", None)
        return (
            error.connection_invalidated
            or isinstance(cause, OSError)
            or (isinstance(state, str) and state[:2] in _PASSING_CLASSES)
            or (isinstance(error, InterfaceError) and not isinstance(cause, ValueError))
        )
    return isinstance(error, OSError | PoolTimeout | Passing)


def reason_of(error: BaseException) -> str:
    """For a log or a note: its kind and SQLSTATE, and nothing of what it was about."""
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return " ".join(filter(None, (type(error).__qualname__, state)))


def note_away(error: BaseException, **where: object) -> None:
    """For the operator: somebody is told to come again, and why."""
    log.warning("database away", reason=reason_of(error), **where)

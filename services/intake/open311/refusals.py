"""Why an Open311 request is not answered, as GeoReport v2 wants it told: a status and what is wrong, for programs."""

from collections.abc import Mapping

from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.chassis.auth import Forbidden, Unauthenticated
from services.chassis.eventstore import StoreUnavailable
from services.chassis.passing import passes
from services.chassis.problems import Fault, ProblemError, describe, faults_of

NO_FILES = "Files are not taken. Send media_url, the address of the picture, in place of it."
NO_SERVICE = "service_code was not found. Send one that GET services lists."


class NotAnswered(Exception):
    """Raise to answer with errors: one `code`, the HTTP status too, and a description of each thing wrong."""

    def __init__(self, code: int, *descriptions: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.descriptions = descriptions
        self.headers = dict(headers or {})


def refusal_of(error: Exception) -> NotAnswered | None:
    """Any error of Doorstep's in the few codes that the specification knows; none: it is not for the caller."""
    match error:
        case NotAnswered():
            return error
        case Unauthenticated():
            return NotAnswered(403, "api_key is missing or is not valid. Send the key of the community as api_key.")
        case Forbidden():
            return NotAnswered(403, "api_key may not report. Ask the operator for a key with the scope report.")
        case RequestValidationError() if error.errors():
            return not_valid(faults_of(error.errors(), skip=1))
        case RequestValidationError():  # of no field: the form as a whole
            return NotAnswered(400, "The form can't be read. Send it as application/x-www-form-urlencoded in UTF-8.")
        case DBAPIError() | PoolTimeout() | OSError() if passes(error):
            return refusal_of(StoreUnavailable())
        case _:
            told = describe(error)
            return _in_few_codes(told) if told else None


def not_valid(faults: list[Fault]) -> NotAnswered:
    """400 for these fields."""
    return NotAnswered(400, *(f"{fault.field} {fault.message}. {fault.remedy}" for fault in faults))


def _in_few_codes(told: ProblemError) -> NotAnswered:
    problem = told.problem
    if problem.faults:
        return not_valid(problem.faults)
    code = problem.status if problem.status in (403, 404, 429, 503) else 400
    detail = f" {problem.detail}" if problem.detail else ""
    return NotAnswered(code, f"{problem.title}.{detail}", headers=told.headers)

"""`doorstep erase`: all that was told of a case goes, by intake's own interface and the operator's word."""

from uuid import UUID, uuid4

import httpx
from rich.console import Console

from deploy.importing.gateway import reason
from deploy.installation import NotRunning, this_machines
from deploy.local.production import NotForProduction
from services.chassis.operating.telling import complain


def erase(case_id: UUID) -> None:
    """Exit code 1 when it is not erased."""
    try:
        here = this_machines()
        response = httpx.post(
            f"{here.url}/api/intake/v1/cases/{case_id}/erase",
            headers={"Authorization": f"Bearer {here.token('operator')}", "Idempotency-Key": str(uuid4())},
            timeout=30.0,
            trust_env=False,
        )
    except (NotRunning, NotForProduction) as error:
        complain(str(error), 2)
    except httpx.TransportError as error:
        complain(f"Intake does not answer ({type(error).__name__}). Nothing may be erased: send it again.")
    if not response.is_success:
        complain(f"Not erased. {reason(response)}")
    Console().print(f"{case_id} is erased; every other service deletes what it holds as case.erased reaches it.")

"""`doorstep sign-out`: a member of staff put out of this machine's services."""

from deploy.installation import NotRunning, this_machines
from deploy.local.production import NotForProduction
from deploy.local.state import SERVICES
from services.chassis.operating import signing_out
from services.chassis.operating.telling import complain


def sign_out(subject: str) -> None:
    """Of all services: each has pages for staff."""
    try:
        here = this_machines()
    except (NotRunning, NotForProduction) as error:
        complain(str(error), 2)
    signing_out.sign_out({service: here.dsns(service).worker for service in SERVICES}, subject)

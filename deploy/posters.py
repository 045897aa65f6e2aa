"""`doorstep posters`: where each community's poster is printed, and the address that its code holds."""

import httpx
from rich.console import Console

from deploy.importing.gateway import reason
from deploy.installation import NotRunning, this_machines
from deploy.local.production import NotForProduction
from services.chassis.operating.telling import complain


def posters(area: str) -> None:
    """Those in `area`. Exit code 1 when intake does not say, 2 when nothing runs."""
    try:
        here = this_machines()
        response = httpx.get(f"{here.url}/api/intake/v1/communities", timeout=30.0, trust_env=False)
    except (NotRunning, NotForProduction) as error:
        complain(str(error), 2)
    except httpx.TransportError as error:
        complain(f"Intake does not answer ({type(error).__name__}). Look with doorstep status, and ask again.")
    if not response.is_success:
        complain(reason(response))
    out = Console(soft_wrap=True, highlight=False)
    for one in response.json()["communities"]:
        if one["area"].startswith(area):
            out.print(f"{one['name']}  {one['area']}\n  {one['at']}\n  {one['poster']}", markup=False)

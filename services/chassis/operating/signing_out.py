"""`sign-out`: a member of staff put out of services, by whoever runs them."""

import asyncio
from collections.abc import Mapping

from rich.console import Console

from services.chassis.database import engine
from services.chassis.signin.sessions import Sessions


def sign_out(workers: Mapping[str, str], subject: str) -> None:
    """Of each service, by its name, that has pages; `workers` are their databases as the worker may use them."""
    asyncio.run(_signed_out(workers, subject))
    told = f"Signed out of {', '.join(workers)}. Whoever comes as {subject} has to prove to the provider anew who they"
    Console().print(f"{told} are: while the account is open there, they get in.", highlight=False, soft_wrap=True)


async def _signed_out(workers: Mapping[str, str], subject: str) -> None:
    for service, dsn in workers.items():
        worker = engine(dsn, "doorstep-sign-out", connections=1)
        try:
            await Sessions(service, worker).end_everywhere(subject)
        finally:
            await worker.dispose()

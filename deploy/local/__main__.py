"""The detached process that keeps the stack: `python -m deploy.local`."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable

from deploy.local.home import Home, find_home
from deploy.local.lock import Held, held
from deploy.local.production import refuse_production
from deploy.local.stack import parts
from deploy.local.state import State, gateway_port, load
from deploy.local.supervisor import Part, Supervisor

Parts = Callable[[Home, State, int], list[Part]]


async def keep(parts: Parts) -> None:
    home = find_home()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    port = gateway_port()
    supervisor = Supervisor(
        parts(home, load(home), port),
        run=home.run,
        logs=home.logs,
        gateway_port=port,
        supervisor=os.getpid(),
    )
    await supervisor.run(stop)


def main(parts: Parts = parts) -> None:
    refuse_production()
    try:
        with held(find_home().run / "supervisor.lock"):
            asyncio.run(keep(parts))
    except Held:
        sys.exit("another supervisor keeps this stack")


if __name__ == "__main__":
    main()

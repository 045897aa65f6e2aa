"""The Doorstep of this machine as the commands that work on it reach it."""

from dataclasses import dataclass

from deploy.facts import Places
from deploy.local.control import gateway_url, is_running
from deploy.local.environment import dsns
from deploy.local.home import Home, find_home
from deploy.local.postgres import Dsns
from deploy.local.production import refuse_production
from deploy.local.state import SERVICES, State, load
from deploy.local.tokens import mint


class NotRunning(Exception):
    """There is no stack to work on; the message says how to start it."""


@dataclass(frozen=True, slots=True)
class Installation:
    home: Home
    state: State
    url: str

    @property
    def kafka(self) -> str:
        return f"127.0.0.1:{self.state.kafka_port}"

    @property
    def places(self) -> Places:
        """For looking at everything, and changing nothing."""
        return Places({service: self.dsns(service).worker for service in SERVICES}, self.kafka)

    def dsns(self, service: str) -> Dsns:
        return dsns(self.state, service)

    def token(self, role: str) -> str:
        """Of staff with this role, in all areas."""
        return mint(self.state.staff_private_key, role)


def this_machines() -> Installation:
    """The running stack.

    Raises:
        NotRunning: nothing runs.
        NotForProduction: `DOORSTEP_ENV=production` is set.
    """
    refuse_production()
    home = find_home()
    if not is_running(home):
        raise NotRunning(f"Doorstep is not running (its home is {home.folder}). Start it: doorstep up")
    return Installation(home, load(home), gateway_url(home))

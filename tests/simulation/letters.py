"""What production calls instead of a mail server, and what readers find in their boxes."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from services.notifications.deliveries.transport import Away, NotNow
from services.notifications.deliveries.writing import Written
from tests.simulation.connection import TURN, Trace, nevermore
from tests.simulation.faults import Faults, Probes
from tests.simulation.scheduler import Process


@dataclass(slots=True)
class Letter:
    """`unsettled`: its sender never heard that it was taken, or died before that was written; it may come again."""

    message_id: UUID
    sender: Process
    unsettled: bool


class Letters:
    def __init__(self, faults: Faults, probes: Probes, trace: Trace) -> None:
        self.taken: list[Letter] = []
        self.faults = faults
        self.probes = probes
        self.trace = trace

    def ended(self, sender: Process, waiting: Collection[UUID]) -> None:
        """A process died while these messages were not known to be sent."""
        for letter in self.taken:
            if letter.sender is sender and letter.message_id in waiting:
                letter.unsettled = True

    def rightly_again(self) -> int:
        """Messages that went out more than once, each time but the last without being settled."""
        by_message: dict[UUID, list[Letter]] = {}
        for letter in self.taken:
            by_message.setdefault(letter.message_id, []).append(letter)
        several = (letters for letters in by_message.values() if len(letters) > 1)
        return sum(all(letter.unsettled for letter in letters[:-1]) for letters in several)

    def carrier(self, process: Process) -> "Carrier":
        return Carrier(self, process)


class Carrier:
    """One process's way to the server."""

    def __init__(self, letters: Letters, process: Process) -> None:
        self._letters = letters
        self._process = process

    async def ready(self) -> None:
        await TURN
        if self._letters.faults.strikes("mail server away"):
            raise Away("mail_server_away")

    async def send(self, delivery: UUID, address: str, written: Written) -> None:
        letters, faults = self._letters, self._letters.faults
        del written
        await TURN
        if faults.strikes("mail refused for now"):
            raise NotNow("mail_server_451")
        crashes, lost = faults.strikes("crash after mail"), faults.strikes("mail answer lost")
        if any(letter.message_id == delivery for letter in letters.taken):
            letters.probes.met("mail sent twice under one id")
        letters.taken.append(Letter(delivery, self._process, crashes or lost))
        letters.probes.met("mail sent")
        letters.trace(self._process, "mail", str(delivery), address)
        if crashes:
            letters.trace(self._process, "crash after mail")
            self._process.kill()
            await nevermore()
        if lost:
            raise NotNow("mail_server_lost")
        await asyncio.sleep(0.01)

    async def quit(self) -> None:
        await TURN

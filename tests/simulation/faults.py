"""What goes wrong, how often, and what was seen to happen at all."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

RATES: Final = {
    "crash before commit": 0.004,
    "crash after commit": 0.004,
    "commit refused": 0.01,
    "commit answer lost": 0.01,
    "statement failed": 0.003,
    "crash before send": 0.02,
    "crash after send": 0.02,
    "send refused": 0.04,
    "send answer lost": 0.04,
    "crash before acknowledgement": 0.01,
    "crash after acknowledgement": 0.01,
    "acknowledgement lost": 0.02,
    "fetched again": 0.5,
    "fetch delayed": 0.1,
    "answer lost": 0.08,
    "request lost": 0.04,
    "mail server away": 0.1,
    "mail refused for now": 0.1,
    "mail answer lost": 0.1,
    "crash after mail": 0.05,
}
"""How often at most, each time that it could happen; a seed draws a part of each."""

PLANNED: Final = (
    "process killed",
    "PostgreSQL killed",
    "cut from PostgreSQL",
    "cut from Kafka",
    "clock jumped",
    "broker's log lost",
    "frozen past its session",
)
"""What strikes at a time that the seed draws."""

FEWEST: Final = 3
"""Faults in a schedule that counts."""


@dataclass(slots=True)
class Faults:
    """The faults of one schedule. Most seeds leave most kinds out, so that each is also met alone."""

    draw: random.Random
    rates: dict[str, float]
    probes: "Probes"
    hurry: float = 0.0
    """How often a statement is answered before anybody else has a turn."""
    active: bool = False
    struck: Counter[str] = field(default_factory=Counter[str])

    @staticmethod
    def drawn(draw: random.Random, probes: "Probes") -> "Faults":
        rates = {fault: most * draw.random() for fault, most in RATES.items() if draw.random() < 0.4}
        return Faults(draw, rates, probes, hurry=draw.choice((0.0, 0.5, 0.8)))

    def strikes(self, fault: str) -> bool:
        """Whether it happens this time."""
        if not self.active:
            return False
        rate = self.rates.get(fault)
        if rate is None or self.draw.random() >= rate:
            return False
        self.struck[fault] += 1
        self.probes.met(fault)
        return True


PROBES: Final = (
    *RATES,
    *PLANNED,
    "command repeated",
    "command key reused",
    "version conflict",
    "command refused",
    "record held until its turn",
    "another log started at its beginning",
    "unflushed commits lost",
    "group rebalanced",
    "alert passed on",
    "alert unanswered",
    "case escalated by time",
    "case reminded of",
    "case reopened",
    "case merged and answered",
    "report withdrawn",
    "report erased",
    "mail sent",
    "mail sent twice under one id",
    "log published again",
    "relay waited for its lock",
    "event published twice",
)
"""All that a run must have met: a fault that never happens proves nothing."""


class Probes(Counter[str]):
    """How often each was met."""

    def met(self, probe: str, times: int = 1) -> None:
        assert probe in PROBES, probe
        self[probe] += times

    def missing(self) -> list[str]:
        return [probe for probe in PROBES if not self[probe]]

"""What the demo's letterbox is told at its start."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PATH: Final = "/mail"
"""Where it is shown, below the public address."""


@dataclass(frozen=True, slots=True)
class Told:
    """On which ports of loopback it listens: for mail, and for browsers behind the gateway."""

    smtp_port: int
    port: int

    @property
    def smtp_url(self) -> str:
        return f"smtp://127.0.0.1:{self.smtp_port}"

    def environment(self) -> dict[str, str]:
        return {"DOORSTEP_SMTP_PORT": str(self.smtp_port), "DOORSTEP_PORT": str(self.port)}

    @staticmethod
    def by(environment: Mapping[str, str]) -> "Told":
        return Told(int(environment["DOORSTEP_SMTP_PORT"]), int(environment["DOORSTEP_PORT"]))

"""What the demo's OpenID provider is told at its start."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATH: Final = "/sign-in"
"""Where it answers, below the public address."""


@dataclass(frozen=True, slots=True)
class Told:
    """`public_url` is where browsers find the whole of Doorstep."""

    public_url: str
    port: int
    key_file: Path

    @property
    def url(self) -> str:
        return f"{self.public_url}{PATH}"

    def environment(self) -> dict[str, str]:
        return {
            "DOORSTEP_PUBLIC_URL": self.public_url,
            "DOORSTEP_PORT": str(self.port),
            "DOORSTEP_ISSUER_KEY_FILE": str(self.key_file),
        }

    @staticmethod
    def by(environment: Mapping[str, str]) -> "Told":
        return Told(
            environment["DOORSTEP_PUBLIC_URL"],
            int(environment["DOORSTEP_PORT"]),
            Path(environment["DOORSTEP_ISSUER_KEY_FILE"]),
        )

"""How long to wait before a part that died is started again."""

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Doubles from `first` to `last` seconds, and forgets once the part has lived for `healthy` seconds."""

    first: float = 0.2
    last: float = 10.0
    healthy: float = 30.0
    failures: int = 0

    def after(self, lived: float) -> float:
        """The wait after a life of so many seconds."""
        self.failures = 1 if lived >= self.healthy else self.failures + 1
        return min(self.first * 2 ** (self.failures - 1), self.last)

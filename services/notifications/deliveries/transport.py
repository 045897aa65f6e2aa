"""What every way of sending has in common: how an attempt can fail."""


class Undelivered(Exception):
    """Base of what keeps a message from going out; `reason` is a code of ours and names nobody."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NeverTaken(Undelivered):
    """The other side refuses this message for good."""


class NoSuchAddress(Undelivered):
    """What was left as an address is none that can be written to."""


class NotNow(Undelivered):
    """This message may go out at another time."""


class Away(Undelivered):
    """The other side can't be reached at all: whatever goes that way waits."""

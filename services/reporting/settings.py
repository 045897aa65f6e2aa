"""What reporting is told by its environment."""

from datetime import timedelta

from services.chassis.settings import ServiceSettings


class ReportingSettings(ServiceSettings):
    faults_of_a_pattern: int = 9
    """So many faults of one category in one community within two days are told of as a pattern."""
    webhook_hosts: str = ""
    """Hosts that may be told of events, over https, with commas between: `hooks.example.org, *.city.example`, with a
    port where it is not 443: `hooks.example.org:8443`. Empty: none but inner ones."""
    webhook_inner_hosts: str = ""
    """Hosts of one's own network, `receiver.internal:9000`: these alone may have a private address, and plain http."""
    webhook_retry_after: timedelta = timedelta(seconds=5)
    """The wait after a first failure; it doubles with each, up to an hour."""
    webhook_gives_up_after: timedelta = timedelta(days=3)
    """A webhook that failed for so long is disabled, with the reason, until whoever has it resumes it."""

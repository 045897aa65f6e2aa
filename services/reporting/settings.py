"""What reporting is told by its environment."""

from services.chassis.settings import ServiceSettings


class ReportingSettings(ServiceSettings):
    faults_of_a_pattern: int = 9
    """So many faults of one category in one community within two days are told of as a pattern."""

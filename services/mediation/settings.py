"""What mediation is told by its environment."""

from services.chassis.settings import ServiceSettings


class MediationSettings(ServiceSettings):
    pass

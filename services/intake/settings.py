"""What intake is told by its environment."""

from pydantic import SecretStr

from services.chassis.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    receipt_key: SecretStr
    """Base64; turns a resident's idempotency key into a receipt."""
    credential_key: SecretStr
    """Base64; turns receipts and communities' keys into what is stored of them."""

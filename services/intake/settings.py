"""What intake is told by its environment."""

from typing import Annotated

from pydantic import AfterValidator, NonNegativeInt, PositiveInt, SecretStr

from services.chassis.settings import ServiceSettings
from services.intake.attachments.blobs import place


class IntakeSettings(ServiceSettings):
    receipt_key: SecretStr
    """Base64; turns a resident's idempotency key into a receipt."""
    credential_key: SecretStr
    """Base64; turns receipts and communities' keys into what is stored of them."""
    attachments: Annotated[str, AfterValidator(place)]
    """Where sealed photos lie: `file:/a/folder`, or `s3://bucket/prefix`."""
    attachments_endpoint: str = ""
    """Of what speaks S3, where that is not AWS: `https://s3.example.org`."""
    attachments_region: str = ""
    attachments_key_id: SecretStr = SecretStr("")
    attachments_key: SecretStr = SecretStr("")
    """Both empty where the machine itself may use the bucket."""
    wrong_receipts_of_a_client: NonNegativeInt = 30
    """In ten minutes from one address; right ones are never counted. 0: no limit, here and below."""
    reports_of_a_client: NonNegativeInt = 300
    """In ten minutes from one address, which a whole neighbourhood may share."""
    reports_of_a_key: NonNegativeInt = 1000
    """One by one, in ten minutes: who has more sends them in bulk."""
    bulk_at_once: PositiveInt = 20
    """Bulk requests under way in one process."""
    bulk_of_a_key_at_once: PositiveInt = 8

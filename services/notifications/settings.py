"""What notifications is told by its environment."""

from datetime import timedelta
from email.headerregistry import Address
from typing import Self

from pydantic import SecretStr, model_validator

from services.chassis.settings import ServiceSettings
from services.notifications.deliveries.mail import MailServer


class NotificationsSettings(ServiceSettings):
    stale_after: timedelta = timedelta(hours=24)
    """An event that was recorded longer ago alerts nobody: after an outage it is counted in a digest."""
    urgent_answer_within: timedelta = timedelta(minutes=5)
    """How long each of a chain has to answer an urgent alert, before the next is told; `PT5M`."""
    ordinary_answer_within: timedelta = timedelta(minutes=40)
    """The same for one that is not urgent."""
    smtp_url: SecretStr = SecretStr("")
    """The mail server: `smtp://user:password@host:587`, with STARTTLS, or `smtps://…`. Empty: no mail goes out."""
    sender: str = "doorstep@localhost"
    """The address that messages come from."""
    sms_url: str = ""
    """The gateway that short messages are posted to; on a machine of one's own `mail:`, for the mail catcher. Empty:
    none go out."""
    sms_key: SecretStr = SecretStr("")
    """Base64; what such a gateway knows us by."""
    late_mail_after: timedelta = timedelta(hours=1)
    """A message for staff that could not go out for so long becomes part of one digest; a resident's has
    `stale_after`."""

    @model_validator(mode="after")
    def _messages_can_go_out(self) -> Self:
        if self.smtp_url.get_secret_value():
            self.mail_server()
            if not self.public_url:
                raise ValueError("DOORSTEP_SMTP_URL needs DOORSTEP_PUBLIC_URL, which every message leads to")
        try:
            Address(addr_spec=self.sender)
        except (ValueError, IndexError):
            raise ValueError("DOORSTEP_SENDER must be a mail address, as doorstep@example.org") from None
        if self.sms_url == "mail:":
            if self.env != "local" or not self.smtp_url.get_secret_value():
                raise ValueError("DOORSTEP_SMS_URL can be mail: only beside a mail catcher, with DOORSTEP_ENV=local")
        elif self.sms_url:
            if not self.sms_url.startswith(("https://", "http://") if self.env == "local" else "https://"):
                raise ValueError("DOORSTEP_SMS_URL must begin with https://")
            if not self.sms_key.get_secret_value():
                raise ValueError("DOORSTEP_SMS_URL needs DOORSTEP_SMS_KEY, by which the gateway knows us")
        return self

    def mail_server(self) -> MailServer:
        """Raises ValueError: `smtp_url` is no address of a mail server."""
        try:
            return MailServer.at(self.smtp_url.get_secret_value(), must_encrypt=self.env == "production")
        except ValueError:
            raise ValueError("DOORSTEP_SMTP_URL must be smtp://[user:password@]host[:port] or smtps://…") from None

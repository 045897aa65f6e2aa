"""Deliveries, put together from what notifications is told by its environment."""

from base64 import b64decode

from services.chassis.clock import now
from services.chassis.consumer import Consumer
from services.chassis.service import Service
from services.notifications.deliveries import guests
from services.notifications.deliveries.consumer import consumer
from services.notifications.deliveries.mail import Mail
from services.notifications.deliveries.residents import Residents
from services.notifications.deliveries.rows import Waits
from services.notifications.deliveries.sender import Sender
from services.notifications.deliveries.sms import Sms, SmsByMail, SmsGateway
from services.notifications.deliveries.writing import Writer
from services.notifications.domain.chain import chain_of
from services.notifications.manning import desks_for
from services.notifications.settings import NotificationsSettings


def deliveries_consumer(service: Service, settings: NotificationsSettings) -> Consumer:
    async def on_duty(level: str) -> str | None:
        chain = chain_of(level, await desks_for(service.store, [level]), now())
        return chain[0] if chain else None

    return consumer(waits(settings), on_duty)


def guests_consumer(settings: NotificationsSettings) -> Consumer:
    return guests.consumer(waits(settings))


def waits(settings: NotificationsSettings) -> Waits:
    return Waits(staff=settings.late_mail_after, resident=settings.stale_after)


def sender(service: Service, settings: NotificationsSettings) -> Sender:
    mail = Mail(settings.mail_server(), settings.sender) if settings.smtp_url.get_secret_value() else None
    return Sender(
        service.worker,
        service.vault,
        Residents(service, settings.intake_url),
        Writer(settings.public_url),
        mail,
        _sms(service, settings, mail),
        service.tracing,
    )


def _sms(service: Service, settings: NotificationsSettings, mail: Mail | None) -> Sms | None:
    if settings.sms_url == "mail:":
        assert mail is not None
        return SmsByMail(mail)
    if settings.sms_url:
        return SmsGateway(service.http, settings.sms_url, b64decode(settings.sms_key.get_secret_value()))
    return None

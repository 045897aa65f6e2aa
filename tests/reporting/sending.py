"""The sender in a process of its own, so that it can be killed: settings as JSON on standard input."""

import asyncio
import sys

from services.chassis.service import parts
from services.reporting.public_log import PublicLog
from services.reporting.settings import ReportingSettings
from services.reporting.webhooks.addresses import Hosts
from services.reporting.webhooks.sender import Sender


async def run(settings: ReportingSettings) -> None:
    service = parts("reporting", settings)
    hosts = Hosts(settings.webhook_hosts, settings.webhook_inner_hosts)
    await Sender(service, PublicLog(service.worker), hosts, settings).run()


if __name__ == "__main__":
    asyncio.run(run(ReportingSettings.model_validate_json(sys.stdin.read())))

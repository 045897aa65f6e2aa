"""Webhooks: an address that is told of an area's events, registered by an operator or by the community's own system."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field, StringConstraints

from services.chassis.clock import now
from services.chassis.database import scoped
from services.chassis.forms import Form
from services.chassis.ids import new_id
from services.chassis.problems import ProblemError, unprocessable
from services.chassis.service import Service
from services.chassis.web.marked import marked
from services.contracts.catalogue import EVENTS
from services.contracts.event import AreaPath
from services.reporting.endpoints.indicators import Parts
from services.reporting.feed import Cursor, Feed, head_of
from services.reporting.reading import Reader, Subscriber
from services.reporting.webhooks import rows, signing
from services.reporting.webhooks.addresses import LONGEST_URL, Hosts, UrlRefused
from services.reporting.webhooks.rows import Webhook

router = APIRouter()

MOST = 20
"""Of one area and what lies in it: each is work for every event."""


class WebhookForm(Form):
    url: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)]
    area: AreaPath | None = None
    """Yours, if you have but one."""
    types: list[str] | None = Field(default=None, min_length=1, max_length=100)
    """None: all."""
    after: Annotated[str, StringConstraints(pattern=r"^(0|now|[0-9]{1,9}-[0-9]{1,18})$")] = "now"
    """A cursor of the feed: what came behind it is told as well."""


class SecretForm(Form):
    overlap_hours: int = Field(default=24, ge=0, le=24 * 30)
    """For so long the old secret signs beside the new one."""


class ToldWebhook(BaseModel):
    """`last_failure` is why the last try failed; `disabled_at` stands when it was given up: resume it."""

    webhook_id: UUID
    area: str
    url: str
    types: list[str] | None
    cursor: str
    """Up to where it was told."""
    created_at: datetime
    told_at: datetime | None
    failures: int
    failing_since: datetime | None
    last_failure: str | None
    disabled_at: datetime | None
    old_secret_until: datetime | None


class Webhooks(BaseModel):
    webhooks: list[ToldWebhook]


class NewWebhook(BaseModel):
    """`secret` is shown this once."""

    webhook_id: UUID
    secret: str
    cursor: str


class NewSecret(BaseModel):
    """Shown this once."""

    secret: str
    old_until: datetime


async def _hosts(request: Request) -> Hosts:
    return request.app.state.webhook_hosts


async def _feed(request: Request) -> Feed:
    return request.app.state.feed


Listed = Annotated[Hosts, Depends(_hosts)]
TheFeed = Annotated[Feed, Depends(_feed)]


@router.post("/webhooks", status_code=201, operation_id="add_webhook")
async def add_webhook(parts: Parts, reader: Subscriber, hosts: Listed, feed: TheFeed, form: WebhookForm) -> NewWebhook:
    """Have an address told of each event of an area: its id, type, area, time and a link, and nothing of a case.

    Signed as standardwebhooks.com says. In the order of the feed, each at least once: drop what comes twice by its
    `webhook-id`. Answer with a 2xx within ten seconds; what you do not take is sent again, later each time.
    """
    area = reader.area(form.area)
    try:
        hosts.require(form.url)
    except UrlRefused as refused:
        raise unprocessable("url", refused.message, refused.remedy) from None
    if form.types is not None and not EVENTS.keys() >= set(form.types):
        raise unprocessable("types", "names an event that there is not", f"Take of these: {', '.join(EVENTS)}.")
    cursor = await feed.begin(form.after)
    async with scoped(parts.application, reader.areas) as connection:
        if sum(one.area.startswith(area) for one in await rows.webhooks_of(connection, reader)) >= MOST:
            raise ProblemError(
                409,
                "too-many-webhooks",
                marked("This area has as many webhooks as it may have"),
                marked("Remove one that nobody needs any more."),
            )
    webhook_id, secret = new_id(), signing.new_secret()
    sealed = parts.vault.seal(webhook_id, {"secret": secret})
    await _write(
        parts,
        rows.ADD,
        *(webhook_id, area, reader.community, form.url, form.types),
        *(sealed.key_id, sealed.body, cursor.position),
    )
    return NewWebhook(webhook_id=webhook_id, secret=secret, cursor=str(cursor))


@router.get("/webhooks", operation_id="read_webhooks")
async def read_webhooks(parts: Parts, reader: Subscriber) -> Webhooks:
    """Those of your areas: how far each was told, and why not further."""
    async with scoped(parts.application, reader.areas) as connection:
        head = await head_of(connection)
        found = await rows.webhooks_of(connection, reader)
    return Webhooks(webhooks=[_told(one, head.restored) for one in found])


@router.get("/webhooks/{webhook_id:uuid}", operation_id="read_webhook")
async def read_webhook(parts: Parts, reader: Subscriber, webhook_id: UUID) -> ToldWebhook:
    found, restored = await _found(parts, reader, webhook_id)
    return _told(found, restored)


@router.post("/webhooks/{webhook_id:uuid}:replace-secret", status_code=201, operation_id="replace_webhook_secret")
async def replace_secret(parts: Parts, reader: Subscriber, webhook_id: UUID, form: SecretForm) -> NewSecret:
    """A new secret; until `old_until` the old one signs as well, so that no message is refused meanwhile."""
    await _found(parts, reader, webhook_id)
    secret, until = signing.new_secret(), now() + timedelta(hours=form.overlap_hours)
    sealed = parts.vault.seal(webhook_id, {"secret": secret})
    await _write(parts, rows.SIGN_ANEW, webhook_id, sealed.key_id, sealed.body, until)
    return NewSecret(secret=secret, old_until=until)


@router.post("/webhooks/{webhook_id:uuid}:resume", operation_id="resume_webhook")
async def resume(parts: Parts, reader: Subscriber, webhook_id: UUID) -> ToldWebhook:
    """Try again at once, also after it was given up; it goes on where it was, and nothing is left out."""
    await _found(parts, reader, webhook_id)
    await _write(parts, rows.RESUME, webhook_id, now())
    found, restored = await _found(parts, reader, webhook_id)
    return _told(found, restored)


@router.delete("/webhooks/{webhook_id:uuid}", status_code=204, operation_id="remove_webhook")
async def remove(parts: Parts, reader: Subscriber, webhook_id: UUID) -> None:
    """It is told nothing more, and its secret is gone."""
    await _found(parts, reader, webhook_id)
    await _write(parts, rows.REMOVE, webhook_id)


async def _found(parts: Service, reader: Reader, webhook_id: UUID) -> tuple[Webhook, int]:
    async with scoped(parts.application, reader.areas) as connection:
        head = await head_of(connection)
        found = await rows.webhook_of(connection, reader, webhook_id)
    if found is None:
        raise ProblemError(
            404,
            "unknown",
            marked("There is no such webhook"),
            marked("Check the id; it may lie outside your areas."),
        )
    return found, head.restored


async def _write(parts: Service, statement: str, *arguments: Any) -> None:
    async with parts.worker.begin() as connection:
        await connection.exec_driver_sql(statement, arguments)


def _told(one: Webhook, restored: int) -> ToldWebhook:
    return ToldWebhook(
        webhook_id=one.webhook_id,
        area=one.area,
        url=one.url,
        types=None if one.types is None else list(one.types),
        cursor=str(Cursor(restored, one.position)),
        created_at=one.created_at,
        told_at=one.told_at,
        failures=one.failures,
        failing_since=one.failing_since,
        last_failure=one.last_failure,
        disabled_at=one.disabled_at,
        old_secret_until=one.old_until,
    )

"""The `doorstep` command: what it can do and how to ask for it. Each command's work lies in its own file."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

app = typer.Typer(
    name="doorstep",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Runs Doorstep on this machine and looks after it.

    Start with `doorstep up`; when something seems wrong, ask `doorstep doctor`.""",
)

STACK = "The stack"
DATA = "The data"
DEVELOPMENT = "Development"


@app.command(rich_help_panel=STACK)
def up() -> None:
    """Start whatever is not running, wait until all is ready, and leave it running.

    Prints the addresses and tokens to begin with. On a running stack it only prints them.

        doorstep up

        DOORSTEP_GATEWAY_PORT=8090 doorstep up
    """
    from deploy.up import up

    up()


@app.command(rich_help_panel=STACK)
def down() -> None:
    """Stop the stack, in order, whatever state it is in. The data stays."""
    from deploy.down import down

    down()


@app.command(rich_help_panel=STACK)
def status() -> None:
    """Show each part: whether it runs, since when, how often it was restarted. Exit code 1 unless all is ready."""
    from deploy.status import status

    status()


@app.command(rich_help_panel=STACK)
def doctor() -> None:
    """Examine every part and say what is wrong, the last words in its log, and the remedy.

    Exit code 1 when something is wrong.
    """
    from deploy.doctor import doctor

    doctor()


@app.command(rich_help_panel=STACK)
def token(
    role: Annotated[str, typer.Option(help="cadre, mediator, supervisor, manager or operator")] = "cadre",
    area: Annotated[list[str] | None, typer.Option(help="Path of an area; repeat for several. Default: all.")] = None,
    subject: Annotated[str, typer.Option(help="Who it speaks for. Default: demo-ROLE.")] = "",
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it holds.")] = 30,
) -> None:
    """Print a demo staff token, signed with this machine's own key.

    doorstep token --role cadre --area /nyc/

    curl -H "Authorization: Bearer $(doorstep token --role manager)" http://127.0.0.1:8080/api/mediation/v1/cases
    """
    from deploy.token import token

    token(role, area or ["/"], subject, days)


@app.command(rich_help_panel=STACK)
def account(
    name: Annotated[str, typer.Argument(help="A pseudonym, as cadre-lin; it stands in events for ever.")],
    role: Annotated[list[str], typer.Option(help="cadre, mediator, supervisor, manager or operator; repeatable.")],
    area: Annotated[list[str], typer.Option(help="Path of an area, as /lakeside/east/; repeatable.")],
    keycloak: Annotated[str, typer.Option(help="Where Keycloak answers.")],
    realm: Annotated[str, typer.Option(help="Its realm.")] = "doorstep",
    admin: Annotated[str, typer.Option(help="Who administers it, in the realm master.")] = "admin",
) -> None:
    """Make an account of a member of staff in Keycloak, and print the password for their first sign-in.

    The administrator's password is asked for, or taken from DOORSTEP_KEYCLOAK_PASSWORD. deploy/keycloak/README.md
    tells the rest.

        doorstep account operator-1 --role operator --area / --keycloak https://id.example.org
    """
    from deploy.account import account

    account(name, role, area, keycloak, realm, admin)


@app.command(rich_help_panel=STACK)
def demo(
    lang: Annotated[str, typer.Option(help="Of the texts: zh or en.")] = "en",
    speed: Annotated[
        float,
        typer.Option(min=0, help="1 is a pace to read at, about two minutes; 10 is ten times as fast; 0: no rest."),
    ] = 1.0,
    once: Annotated[
        str | None,
        typer.Option(
            metavar="STEP",
            help="Only this step: duty, geese, pipe, pests, school, talk, idea or light.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Tell a made-up day in three communities on the running stack: who does what, and what it causes, how soon.

    Residents report, whoever is on duty is alerted, cases are mediated, handed to units, raised a level, merged,
    resolved and reopened, all of it through the public API. At the end it lists the cases, the pages to open, whom to
    sign in as, and the receipts to follow a case by. Run again, it tells a new day; areas, communities and units are
    registered once. Everybody and every place in it is made up, and mail goes to the letterbox at /mail/ alone.

    Exit code 1 when a step does not go as told. Refused with DOORSTEP_ENV=production.

        doorstep up

        doorstep demo

        doorstep demo --lang zh --speed 3

        doorstep demo --once geese
    """
    from deploy.demo.command import demo

    demo(lang, speed, once)


@app.command(rich_help_panel=DEVELOPMENT)
def schema(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 when something is wrong.")
    ] = False,
    release: Annotated[str | None, typer.Option(help="Keep the present schemas as those of this version.")] = None,
) -> None:
    """Write the JSON Schemas of the events, and compare them with every release.

    doorstep schema

    doorstep schema --check

    doorstep schema --release 0.2
    """
    from deploy.schema import schema

    raise typer.Exit(schema(check_only=check, released_as=release))


@app.command(rich_help_panel=DATA)
def posters(
    area: Annotated[str, typer.Option(help="Only those below this path.")] = "/",
) -> None:
    """List the communities, each with the address on its poster and the page to print it from.

    doorstep posters --area /lakeside/east/
    """
    from deploy.posters import posters

    posters(area)


@app.command("import", rich_help_panel=DATA)
def import_(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX or NDJSON, gzipped or not.", show_default=False)],
    mapping: Annotated[str, typer.Option(help="A committed mapping, or the path of a .yaml of yours.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first rows.", show_default=False)] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew, not where it was broken off.")] = False,
    not_taken: Annotated[
        Path | None,
        typer.Option(help="Where to write what is not taken. Default: beside the file.", show_default=False),
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until all of it has arrived everywhere.")] = True,
) -> None:
    """Bring another system's cases in, as imported history that alerts nobody.

    Each row is a report, each closed one a resolved case, at its own time. The communities are registered first, and
    their keys kept. It goes on through restarts and lost connections; when it is broken off, the same command goes on
    where it stood. A row that is known already changes nothing. Exit code 1 when a row was refused.

    A community's path is made of the letters a to z and the digits of its name. Rows of one without any are not taken,
    and if two would share a path nothing is sent: say in the mapping what stands for them, as in
    `values: {阳光社区: sunlight}` of `community`.

        doorstep import ../shared/data/constituent-cases-2015-2019.csv.gz --mapping constituent-cases

        doorstep import cases.xlsx --mapping ./ours.yaml --limit 100
    """
    from deploy.importing.command import import_file

    import_file(file, mapping, limit, restart, not_taken, wait)


@app.command(rich_help_panel=DATA)
def reconcile(
    history: Annotated[
        Path | None,
        typer.Option(help="What clients were told, as NDJSON: what, key, outcome, position, case.", show_default=False),
    ] = None,
) -> None:
    """Compare the four services with each other and with Kafka: nothing lost, nothing double, nothing left behind.

    It only reads. Exit code 1 when there is a difference; each comes with an example and a remedy. With a history that
    clients kept it also looks whether all that they were told is true.

        doorstep reconcile

        doorstep reconcile --history told.ndjson
    """
    from deploy.reconciling import reconcile

    reconcile(history)


@app.command(rich_help_panel=DATA)
def rebuild(models: Annotated[list[str], typer.Argument(help="Read models; `all` for all.")]) -> None:
    """Make read models anew from their events, beside the live ones, which serve until the new ones take over.

    doorstep rebuild case_fact

    doorstep rebuild mediation/place notifications/place
    """
    from deploy.rebuild import rebuild

    rebuild([] if models == ["all"] else models)


@app.command(rich_help_panel=DATA)
def verify(
    models: Annotated[list[str] | None, typer.Argument(help="Read models. Default: all.", show_default=False)] = None,
) -> None:
    """Prove that read models equal ones made anew from their events. Exit code 1 when one does not.

    doorstep verify

    doorstep verify case_fact
    """
    from deploy.rebuild import verify

    verify(models or [])


@app.command(rich_help_panel=DATA)
def republish(
    service: Annotated[
        str | None, typer.Argument(help="intake, mediation, notifications or reporting. Default: all.")
    ] = None,
    from_: Annotated[int, typer.Option("--from", min=1, help="First position of its log.")] = 1,
    to: Annotated[int | None, typer.Option(min=1, help="Last position. Default: the last.", show_default=False)] = None,
) -> None:
    """Send a service's events to Kafka once more: the remedy after Kafka lost any. Who has them does nothing.

    doorstep republish

    doorstep republish mediation

    doorstep republish intake --from 1000 --to 2000
    """
    from deploy.republish import republish

    republish(service, from_, to)


@app.command(rich_help_panel=DATA)
def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder, best on another disk.", show_default=False)],
) -> None:
    """Copy all four databases while they work, and from then on keep what carries the copy to any later time.

    The folder then holds the databases and a manifest with the SHA-256 of each file. PostgreSQL's log is archived in
    the home's `wal` folder, at the latest after a minute; a backup a day keeps it short. Let that folder be a link to
    another disk, and keep `state.json` apart from both: it holds the keys, and no backup does. Kafka needs no backup:
    it is itself the second copy of every event.

        doorstep backup /mnt/backup/$(date +%F)

        doorstep restore /mnt/backup/2026-11-24
    """
    from deploy.backup import backup

    backup(folder)


@app.command(rich_help_panel=DATA)
def restore(
    folder: Annotated[Path, typer.Argument(help="A backup, as doorstep backup made it.", show_default=False)],
    to: Annotated[
        str | None,
        typer.Option(help="The time to go back to. Default: as far as the archived log goes.", show_default=False),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only this service; repeat for several. Default: all.", show_default=False),
    ] = None,
    kafka_is_lost: Annotated[
        bool, typer.Option("--kafka-is-lost", help="Go without the events since then: Kafka's log is gone for good.")
    ] = False,
) -> None:
    """Bring the databases back to a time, and then everything that Kafka still knows.

    It checks the backup, stops the stack, follows the archived log in a folder aside up to that time, and lets each
    service take its own later events back from Kafka before anything serves: same ids, same positions. What was
    erased meanwhile is erased again. Only then the restored databases take the place of the others, all at once;
    until then nothing is changed. It says what came back and what is lost. It does not start the stack.

    With `--only` one service goes back and the others stay, so services can go back to different times.

        doorstep restore /mnt/backup/2026-11-24

        doorstep restore /mnt/backup/2026-11-24 --to 2026-11-24T08:30:00+08:00

        doorstep restore /mnt/backup/2026-11-24 --to 2026-11-24T08:30:00+08:00 --only mediation
    """
    from deploy.restore import restore

    restore(folder, to, only or [], kafka_is_lost)


@app.command(rich_help_panel=DATA)
def erase(case_id: Annotated[UUID, typer.Argument(help="The case.")]) -> None:
    """Delete all that a resident and staff told of a case, in every service. It can't be undone.

    doorstep erase 0190b2a8-7c1e-7d3f-8a7b-2f1f0d9c4e11
    """
    from deploy.erase import erase

    erase(case_id)


@app.command("sign-out", rich_help_panel=DATA)
def sign_out(subject: Annotated[str, typer.Argument(help="As events and duty lists name them.")]) -> None:
    """End every session of a member of staff, in every service.

    Whoever comes as them has to prove to the provider anew who they are: disable the account there first.

        doorstep sign-out cadre-lin
    """
    from deploy.sign_out import sign_out

    sign_out(subject)


@app.command(rich_help_panel=STACK)
def secrets(
    file: Annotated[Path, typer.Argument(help="Where to; beside compose.yaml it is found by itself.")] = Path(
        "deploy/.env"
    ),
) -> None:
    """Write new passwords and keys for Doorstep in containers, once; a file that is there is left as it is.

    doorstep secrets

    docker compose -f deploy/compose.yaml up --build --detach --wait
    """
    from deploy.container_secrets import write_secrets

    write_secrets(file)


@app.command(rich_help_panel=STACK)
def trace(case_id: Annotated[UUID, typer.Argument(help="The case.")]) -> None:
    """Show what one case caused, from the request on, in every service, with how long each part took.

    The traces lie in the stack's home, the newest 16 MB of each service; they hold no word that anybody wrote. With
    `DOORSTEP_TRACES=http://collector:4318/v1/traces doorstep up` they go to a collector instead; empty, nowhere.

        doorstep trace 0190b2a8-7c1e-7d3f-8a7b-2f1f0d9c4e11
    """
    from deploy.trace import trace

    trace(case_id)


keys = typer.Typer(no_args_is_help=True, help="Keys of a community's own programs: made, replaced, taken back.")
app.add_typer(keys, name="keys", rich_help_panel=DATA)

AreaArgument = Annotated[str, typer.Argument(help="The community's area, as /lakeside/east/willow-lane/.")]
KeyArgument = Annotated[str, typer.Argument(help="The id of the key, as `doorstep keys list` shows it.")]


@keys.command("list")
def keys_list(area: AreaArgument) -> None:
    """Show a community's keys: scopes, the day of their last use, when they end. Never the keys themselves.

    doorstep keys list /lakeside/east/willow-lane/
    """
    from deploy.keys import list_

    list_(area)


@keys.command("issue")
def keys_issue(
    area: AreaArgument,
    scope: Annotated[list[str] | None, typer.Option(help="report, history, events or webhooks; repeat.")] = None,
) -> None:
    """Print a new key, this once. Without a scope it may report.

    doorstep keys issue /lakeside/east/willow-lane/ --scope report --scope events
    """
    from deploy.keys import issue

    issue(area, scope or ["report"])


@keys.command("replace")
def keys_replace(
    area: AreaArgument,
    key: KeyArgument,
    overlap_hours: Annotated[int, typer.Option(min=0, max=2160, help="How long the old one holds beside it.")] = 24,
) -> None:
    """Print a key that takes the place of another; both hold for a while, so that nothing stands still.

    doorstep keys replace /lakeside/east/willow-lane/ 4f1c09ab77d2 --overlap-hours 48
    """
    from deploy.keys import replace

    replace(area, key, overlap_hours)


@keys.command("revoke")
def keys_revoke(area: AreaArgument, key: KeyArgument) -> None:
    """Take a key back, at once.

    doorstep keys revoke /lakeside/east/willow-lane/ 4f1c09ab77d2
    """
    from deploy.keys import revoke

    revoke(area, key)


communities = typer.Typer(no_args_is_help=True, help="Whether a community takes reports.")
app.add_typer(communities, name="communities", rich_help_panel=DATA)


@communities.command("close")
def communities_close(area: AreaArgument) -> None:
    """Let a community take no new reports. Its cases go on, and so do its receipts; `reopen` undoes it.

    doorstep communities close /lakeside/east/willow-lane/
    """
    from deploy.keys import close

    close(area)


@communities.command("reopen")
def communities_reopen(area: AreaArgument) -> None:
    """Let a community that was closed take reports again.

    doorstep communities reopen /lakeside/east/willow-lane/
    """
    from deploy.keys import reopen

    reopen(area)


parked = typer.Typer(no_args_is_help=True, help="Events that a service could not take: list them, try them again.")
app.add_typer(parked, name="parked", rich_help_panel=DATA)

ServiceOption = Annotated[str | None, typer.Option(help="One service. Default: all.", show_default=False)]


@parked.command("list")
def parked_list(service: ServiceOption = None) -> None:
    """Show what is parked, why, and how many events wait behind it. Exit code 1 when there is any."""
    from deploy.parked import list_

    list_(service)


@parked.command("replay")
def parked_replay(
    service: ServiceOption = None,
    id_: Annotated[int | None, typer.Option("--id", help="One of them. Default: all.", show_default=False)] = None,
) -> None:
    """Try what is parked again, after its cause was mended.

    doorstep parked replay

    doorstep parked replay --service reporting --id 17
    """
    from deploy.parked import replay

    replay(service, id_)


@parked.command("discard")
def parked_discard(
    service: Annotated[str, typer.Option(help="The service that parked it.")],
    id_: Annotated[int, typer.Option("--id", help="Which one.")],
) -> None:
    """Give one up: it is never taken, and the events that wait behind it go on.

    doorstep parked discard --service reporting --id 17
    """
    from deploy.parked import discard

    discard(service, id_)


@parked.command("accept-loss")
def parked_accept_loss(
    service: Annotated[str, typer.Option(help="The service whose consumer stopped.")],
    consumer: Annotated[str, typer.Option(help="Which consumer.")],
    topic: Annotated[str, typer.Option(help="Which topic.")],
    partition: Annotated[int, typer.Option(min=0, help="Which partition of it.")],
    begin: Annotated[int, typer.Option(min=0, help="Where its log begins now.")],
) -> None:
    """Let a consumer go on in a partition whose first records Kafka has lost; republish the services then.

    The service's log tells all five, in the line `partition stopped: records are lost`.

    doorstep parked accept-loss --service mediation --consumer mediation-cases --topic doorstep.cases.v1
    --partition 3 --begin 120
    """
    from deploy.parked import accept_loss

    accept_loss(service, consumer, topic, partition, begin)


if __name__ == "__main__":
    app(prog_name="doorstep")

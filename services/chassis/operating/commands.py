"""The commands of a service's own program, for where its database and Kafka can be reached from inside alone."""

import os
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from services.chassis.operating import parked_events, rebuilding, republishing, signing_out
from services.chassis.operating.telling import complain
from services.chassis.rebuild import Placed
from services.chassis.settings import ServiceSettings

OWNER_DSN = "DOORSTEP_OWNER_DSN"
"""A serving process is not told: it has no right to change its tables."""


def commands(
    name: str, settings: Callable[[], ServiceSettings], placed: Sequence[Placed], prepare: Callable[[str], None]
) -> typer.Typer:
    """`settings` reads the environment, once a command needs it; `prepare` migrates, given the owner's database."""
    program = f"python -m services.{name}"
    app = typer.Typer(
        pretty_exceptions_enable=False,
        add_completion=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
        help=f"""Without a command: serves {name}. With one: looks after its data, while it serves or not.

        In containers: `docker compose -f deploy/compose.yaml run --rm {name}-migration COMMAND`.""",
    )
    parked = typer.Typer(no_args_is_help=True, help=f"Events that {name} could not take: list them, try them again.")
    app.add_typer(parked, name="parked")

    def worker() -> str:
        return settings().worker_dsn.get_secret_value()

    def owner() -> str:
        try:
            return os.environ[OWNER_DSN]
        except KeyError:
            complain(f"{OWNER_DSN} is not set: this changes tables. In containers {name}-migration has it.", 2)

    def reached(names: Sequence[str]) -> tuple[rebuilding.Reached, list[Placed]]:
        try:
            models = rebuilding.named(names, placed)
        except rebuilding.UnknownModel as error:
            complain(str(error), 2)
        dsn = owner()
        return rebuilding.Reached(lambda _service: dsn, settings().kafka, program, f"`{program} migrate`"), models

    @app.command()
    def migrate() -> None:
        """Bring tables and read models to this version. Says `rebuild due: MODEL` of what `rebuild` has to fill."""
        prepare(owner())

    @app.command()
    def rebuild(models: Annotated[list[str], typer.Argument(help="Read models; `all` for all.")]) -> None:
        """Make read models anew from their events, beside the live ones, which are read until the new ones are whole.

        Due after an upgrade whose `migrate` says so: until then what feeds the model waits.
        """
        rebuilding.rebuild(*reached([] if models == ["all"] else models))

    @app.command()
    def verify(
        models: Annotated[
            list[str] | None, typer.Argument(help="Read models. Default: all.", show_default=False)
        ] = None,
    ) -> None:
        """Prove that read models equal ones made anew from their events. Exit code 1 when one does not."""
        rebuilding.verify(*reached(models or []))

    @app.command()
    def republish(
        from_: Annotated[int, typer.Option("--from", min=1, help=f"First position of {name}'s log.")] = 1,
        to: Annotated[
            int | None, typer.Option(min=1, help="Last position. Default: the last.", show_default=False)
        ] = None,
    ) -> None:
        """Send this service's events to Kafka once more: the remedy after Kafka lost any. Who has them does nothing."""
        told = settings()
        dsn = told.worker_dsn.get_secret_value()
        republishing.republish(name, dsn, told.kafka, from_, to, f"{program} republish")

    @app.command("sign-out")
    def sign_out(subject: Annotated[str, typer.Argument(help="As events and duty lists name them.")]) -> None:
        """End every session of a member of staff in this service; do it in each of the four.

        Whoever comes as them has to prove to the provider anew who they are: disable the account there first.
        """
        signing_out.sign_out({name: worker()}, subject)

    @parked.command("list")
    def parked_list() -> None:
        """Show what is parked, why, and how many events wait behind it. Exit code 1 when there is any."""
        parked_events.list_({name: worker()}, program)

    @parked.command("replay")
    def parked_replay(
        id_: Annotated[int | None, typer.Option("--id", help="One of them. Default: all.", show_default=False)] = None,
    ) -> None:
        """Try what is parked again, after its cause was mended; the running service does, within a second."""
        parked_events.replay({name: worker()}, id_, program)

    @parked.command("discard")
    def parked_discard(id_: Annotated[int, typer.Option("--id", help="Which one.")]) -> None:
        """Give one up: it is never taken, and the events that wait behind it go on."""
        parked_events.discard(name, worker(), id_, program)

    @parked.command("accept-loss")
    def parked_accept_loss(
        consumer: Annotated[str, typer.Option(help="Which consumer.")],
        topic: Annotated[str, typer.Option(help="Which topic.")],
        partition: Annotated[int, typer.Option(min=0, help="Which partition of it.")],
        begin: Annotated[int, typer.Option(min=0, help="Where its log begins now.")],
    ) -> None:
        """Let a consumer go on in a partition whose first records Kafka has lost; republish every service then.

        The service's log tells all four, in the line `partition stopped: records are lost`.
        """
        parked_events.accept_loss(name, worker(), consumer, topic, partition, begin)

    return app

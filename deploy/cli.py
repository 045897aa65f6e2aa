"""The `doorstep` command: what it can do and how to ask for it. Each command's work lies in its own file."""

from typing import Annotated

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


if __name__ == "__main__":
    app(prog_name="doorstep")

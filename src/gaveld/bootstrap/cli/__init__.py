"""The command ``gavel``: serve, moderate, evaluate, keep keys, credits, feedback and more."""

from typing import Annotated

import typer

from gaveld import __version__
from gaveld.bootstrap.cli import (
    backtest,
    balances,
    callbacks,
    content,
    evaluation,
    feedback,
    gateway,
    hashes,
    jobs,
    keys,
    models,
    policy,
    secrets,
    server,
    storage,
    usage,
    users,
    worker,
)

app = typer.Typer(
    name="gavel",
    help="Gavel finds harmful content and says what it found, how sure, and what it skipped.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(server.serve)
app.command("worker")(worker.worker)
app.command("gateway")(gateway.gateway)
app.command("moderate")(content.moderate)
app.command("categories")(content.categories)
app.command("eval")(evaluation.evaluate)
app.command("thresholds")(evaluation.thresholds)
app.add_typer(keys.app, name="keys")
app.add_typer(balances.app, name="credits")
app.command("usage")(usage.usage)
app.add_typer(feedback.app, name="feedback")
app.add_typer(jobs.app, name="jobs")
app.add_typer(models.app, name="models")
app.add_typer(hashes.app, name="hashes")
app.add_typer(policy.app, name="policy")
policy.app.command("backtest")(backtest.backtest)
app.add_typer(users.app, name="users")
app.add_typer(secrets.app, name="secrets")
app.add_typer(callbacks.app, name="callbacks")
app.command("migrate")(storage.migrate)
app.command("check-config")(server.check_config)
app.command("health")(server.health)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gavel {__version__}")
        raise typer.Exit


@app.callback()
def _gavel(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    pass

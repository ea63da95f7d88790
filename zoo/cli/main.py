"""The command's entry: options common to all commands, and errors turned into sentences and exit codes."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import click
import typer

from zoo.cli.bundles import predict, verify
from zoo.cli.catalogue import list_architectures, show
from zoo.cli.export import export
from zoo.cli.runs import runs
from zoo.cli.train import train
from zoo_registry.errors import ZooError

INTERRUPTED = 130

app = typer.Typer(
    help="Train recurrent models on your time series, and export them as bundles that any runtime serves.",
    epilog="Begin with: zoo list, zoo train basic --export, zoo verify exported/basic-co2",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("list")(list_architectures)
app.command("show")(show)
app.command("train")(train)
app.command("runs")(runs)
app.command("export")(export)
app.command("verify")(verify)
app.command("predict")(predict)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"lstm-zoo {version('lstm-zoo')}")
        raise typer.Exit


@app.callback()
def common(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options of every command."""
    if debug:
        os.environ["ZOO_DEBUG"] = "1"


def main(arguments: list[str] | None = None) -> None:
    """Run the command and leave with its exit code: 0, 1 (a bundle that fails its replay), 2 (bad input), 130 (Ctrl-C)."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's greetings; errors still show
    sys.exit(_run(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: list[str]) -> int:
    try:
        code = typer.main.get_command(app).main(arguments, prog_name="zoo", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        typer.echo("interrupted; nothing was written", err=True)
        return INTERRUPTED
    except ZooError as error:
        if os.environ.get("ZOO_DEBUG"):
            raise
        typer.echo(f"error: {' '.join(str(error).split())}", err=True)
        return error.exit_code
    except OSError as error:
        if os.environ.get("ZOO_DEBUG") or error.strerror is None:
            raise
        typer.echo(f"error: {error.filename or 'the file system'}: {error.strerror}; nothing was written", err=True)
        return ZooError.exit_code

"""The command's entry: options common to all commands, and errors turned into sentences and exit codes."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from gc import freeze
from typing import Annotated, Any

import typer

from zoo.atomic import full_disk
from zoo.cli.help_pages import HelpfulGroup
from zoo.cli.lazy_commands import LazyCommands
from zoo.cli.output import note, say
from zoo_registry.errors import ZooError
from zoo_registry.streams import open_closed_streams

INTERRUPTED = 130
# What each is in its module; most have the command's own name
COMMANDS = {
    "list": "list_architectures",
    "show": "show",
    "inspect": "inspect",
    "train": "train",
    "retrain": "retrain",
    "tune": "tune",
    "runs": "runs",
    "compare": "compare",
    "backtest": "backtest",
    "export": "export",
    "verify": "verify",
    "predict": "predict",
    "bundles": "bundles",
    "gc": "gc",
    "plugin": "plugin",
}


class _Commands(HelpfulGroup):
    """Ends a command that raised with one sentence on standard error and an exit code; ``--debug`` shows the rest."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = LazyCommands(COMMANDS)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            note(f"interrupted; {_how_to_go_on(stop) or 'nothing half-written is left'}")
            raise typer.Exit(INTERRUPTED) from None
        except SystemExit as stop:
            if text := _how_to_go_on(stop):
                note(f"terminated; {text}")
            raise
        except Exception as error:
            told = _sentence(error)
            if ctx.params["debug"] or not told:
                raise
            note(f"error: {told}")
            raise typer.Exit(ZooError.exit_code) from error


def _sentence(error: Exception) -> str:
    """What is told of an error that somebody can mend; empty for any other."""
    if isinstance(error, ZooError):
        return "; ".join(filter(None, (" ".join(str(error).split()), _how_to_go_on(error))))
    if isinstance(error, ModuleNotFoundError):
        return f"this needs the module '{error.name}', which is not installed; run: pip install lstm-zoo"
    reason = full_disk(error) or getattr(error, "strerror", None)
    if reason is None or isinstance(error, BrokenPipeError):
        return ""
    return f"{getattr(error, 'filename', None) or 'the file system'}: {reason}; nothing half-written is left"


def _how_to_go_on(stop: BaseException) -> str:
    """What a training or a search that was stopped has noted on the exception."""
    return "; ".join(getattr(stop, "__notes__", []))


app = typer.Typer(
    cls=_Commands,
    help="Train recurrent models on your time series, and export them as bundles that any runtime serves.",
    epilog="Begin with:\nzoo list\nzoo train basic --export\nzoo verify exported/basic-co2",
    no_args_is_help=True,
    rich_markup_mode=None,  # which would take brackets for markup; zoo.cli.help_pages makes the help pages
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def common(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error: zoo --debug COMMAND …")
    ] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Options of every command; ``debug`` is read where errors are shown."""
    if version:
        from importlib.metadata import version as installed

        say(f"lstm-zoo {installed('lstm-zoo')}")
        raise typer.Exit


def main() -> None:
    """Run the command and leave with its exit code.

    0; 1 where a bundle fails its replay, or a plugin its checks; 2 for bad input; 3 where single series of a table
    could not be answered; 130 after Ctrl-C; 143 after SIGTERM; 129 after SIGHUP, as where the terminal is closed.
    """
    open_closed_streams()  # before any file is opened
    for number in (signal.SIGTERM, signal.SIGHUP):  # so that what is staged is removed
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    atexit.register(freeze)  # or Python looks for garbage in all that was imported, a tenth of a second for pandas
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's remarks; errors still show
    app(prog_name="zoo")

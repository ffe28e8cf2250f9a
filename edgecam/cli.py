"""The command ``edgecam``: the words that users type."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from edgecam import __version__
from edgecam.errors import ConfigError, EdgecamError
from edgecam.logs import start_logging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgecam.config import Config

FAILED = 1
USAGE = 2
INTERRUPTED = 130


def _configuration(command: Any) -> Any:
    """Add the options that choose the settings."""
    file = click.option(
        "--config",
        "file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Settings; without it those of /etc/edgecam/config.toml if that is there, else every default.",
    )
    overrides = click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a setting: mqtt.host=10.0.0.2."
    )
    return file(overrides(command))


def _verbosity(command: Any) -> Any:
    more = click.option("-v", "--verbose", is_flag=True, help="Log more.")
    less = click.option("-q", "--quiet", is_flag=True, help="Log warnings only.")
    return more(less(command))


def _load(file: Path | None, overrides: tuple[str, ...]) -> Config:
    from edgecam import config

    if file is None and config.SYSTEM_FILE.exists():
        file = config.SYSTEM_FILE
    return config.load(file, overrides)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgecam")
def cli() -> None:
    """Classify what a camera sees and publish it over MQTT; no picture leaves the device."""


@cli.command()
@_configuration
@_verbosity
def run(*, file: Path | None, overrides: tuple[str, ...], verbose: bool, quiet: bool) -> None:
    """Run the daemon until SIGTERM or SIGINT, or the end of a video file; SIGHUP: take over changed settings."""
    start_logging(verbose=verbose, quiet=quiet)
    from edgecam.service import Service

    service = Service(lambda: _load(file, overrides))

    def stop(number: int, _frame: object) -> None:
        logging.getLogger(__name__).info("%s: stopping", signal.Signals(number).name)
        signal.signal(number, signal.SIG_DFL)  # a second one ends us at once
        service.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if not sys.stderr.isatty():  # of a terminal it means that it was closed
        signal.signal(signal.SIGHUP, lambda *_: service.reload())
    if not service.run():
        # A thread is stuck in a camera's driver. It must not wake up while the interpreter is taken down.
        logging.shutdown()
        os._exit(0)


@cli.command()
@click.option("--seconds", type=click.IntRange(1), help="How long; without it, the clip once.")
@click.option("--broker", metavar="HOST:PORT", help="Use this broker instead of an embedded one.")
@_verbosity
def demo(*, seconds: int | None, broker: str | None, verbose: bool, quiet: bool) -> None:
    """Run everything on the shipped clip and model, and print what a subscriber receives."""
    start_logging(verbose=verbose, quiet=quiet or not verbose)
    from edgecam.demo import run_demo

    sys.exit(0 if run_demo(seconds, broker, verbose=verbose) else FAILED)


@cli.command()
@_configuration
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def check(*, file: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Look at settings, model, camera, broker, service and temperature, a line each."""
    from edgecam.check import Status, findings

    rows = []
    for row in findings(lambda: _load(file, overrides), of_service=file is None and not overrides):
        rows.append(row)
        if not as_json:
            click.echo(row.line())
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(rows)))
    sys.exit(FAILED if any(row.status == Status.FAILURE for row in rows) else 0)


def main() -> None:
    """Run the command ``edgecam``."""
    run_command(cli, "edgecam")


def run_command(command: click.Command, name: str, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command, with the process' arguments or others; every expected error is one line, and an exit code."""
    try:
        sys.exit(command.main(arguments, prog_name=name, standalone_mode=False))
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else name
        problem = error.format_message()
        _fail(f"{path}: {problem[0].lower()}{problem[1:].rstrip('.')} (see {path} --help)", USAGE)
    except click.ClickException as error:
        _fail(f"{name}: {error.format_message()}", error.exit_code)
    except ConfigError as error:
        _fail("\n".join(f"{name}: {mistake}" for mistake in error.mistakes), error.exit_code)
    except EdgecamError as error:
        _fail(f"{name}: {error}", error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except OSError as error:  # a full disk, a folder that is not ours
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{name}: {where}{(error.strerror or str(error)).lower()}", FAILED)


def _fail(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)

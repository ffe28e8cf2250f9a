"""The command ``edgecam``: the words that users type."""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from edgecam import __version__
from edgecam.addresses import shown
from edgecam.errors import EdgecamError, in_words
from edgecam.logs import start_logging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgecam.config import Config

FAILED = 1
USAGE = 2
INTERRUPTED = 130
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
CLICKS_WORDS = (
    (". Did you", "; did you"),
    ("a valid integer range", "a whole number"),
    ("a valid float range", "a number"),
)


class LocalPath(click.Path):
    """The path of a file here; an address is refused, without the password that may be in it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if isinstance(value, str) and ADDRESS.match(value):
            self.fail(f"expected the path of a file on this machine, got {shown(value)}", param, ctx)
        return super().convert(value, param, ctx)


def _configuration(command: Any) -> Any:
    """Add the options that choose the settings."""
    file = click.option(
        "--config",
        "file",
        type=LocalPath(path_type=Path),
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


def _settings_file(named: Path | None) -> Path | None:
    """Which file is read: the one that was named, else the system's, if it is there."""
    from edgecam import config

    return config.SYSTEM_FILE if named is None and config.SYSTEM_FILE.exists() else named


def _load(file: Path | None, overrides: tuple[str, ...]) -> Config:
    from edgecam import config

    return config.load(_settings_file(file), overrides)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(__version__, prog_name="edgecam")
@click.pass_context
def cli(context: click.Context) -> None:
    """Classify what a camera sees and publish it over MQTT; no picture leaves the device unless you say so."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command(short_help="Run the daemon: classify, and publish over MQTT.")
@_configuration
@_verbosity
def run(*, file: Path | None, overrides: tuple[str, ...], verbose: bool, quiet: bool) -> None:
    """Classify what the camera sees, and publish it, until SIGTERM or SIGINT, or the end of a file.

    In a terminal each event is a line on standard output, unless --quiet; elsewhere it is logged. SIGHUP takes over
    changed settings.
    """
    start_logging(verbose=verbose, quiet=quiet)
    from edgecam.daemon.service import Service
    from edgecam.tools.run_view import RunView

    is_seen = sys.stdout.isatty()
    view = RunView(prints=is_seen and not quiet, logs=not (is_seen and sys.stderr.isatty()))
    service = Service(lambda: _load(file, overrides), on_event=view.take_event, on_stats=view.take_stats)

    def stop(number: int, _frame: object) -> None:
        logging.getLogger(__name__).info("%s: stopping", signal.Signals(number).name)
        signal.signal(number, signal.SIG_DFL)  # a second one ends us at once
        service.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if not sys.stderr.isatty():  # of a terminal it means that it was closed
        signal.signal(signal.SIGHUP, lambda *_: service.reload())
    has_ended = service.run()
    view.end()
    if not has_ended:
        # A thread is stuck in a camera's driver. It must not wake up while the interpreter is taken down.
        logging.shutdown()
        os._exit(0)


@cli.command(short_help="Run all of it on the clip and model that come with it.")
@click.option("--seconds", type=click.IntRange(1), help="How long; without it, the clip once.")
@click.option("--broker", metavar="HOST:PORT", help="Use this broker instead of an embedded one.")
@_verbosity
def demo(*, seconds: int | None, broker: str | None, verbose: bool, quiet: bool) -> None:
    """Run everything on the shipped clip and model, and print what a subscriber receives."""
    start_logging(verbose=verbose, quiet=quiet or not verbose)
    from edgecam.tools.demo import run_demo

    sys.exit(0 if run_demo(seconds, broker, verbose=verbose) else FAILED)


@cli.command(short_help="Tell what works, what does not, and the remedy.")
@_configuration
@click.option(
    "--picture",
    type=LocalPath(path_type=Path),
    metavar="FILE",
    help="Show this to a model that does not tell how it wants its pixels, instead of a frame of the camera.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def check(*, file: Path | None, overrides: tuple[str, ...], picture: Path | None, as_json: bool) -> None:
    """Look at settings, model, camera, broker, service and temperature, a line each."""
    from edgecam.config import instance_of
    from edgecam.tools.check import findings
    from edgecam.tools.finding import Status

    rows = []
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    from_file = _settings_file(file)
    instance = None if overrides else instance_of(from_file) if from_file else ""
    for row in findings(lambda: _load(file, overrides), from_file, picture, instance=instance):
        rows.append(row)
        if not as_json:
            click.echo(row.line(columns))
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(rows)))
    sys.exit(FAILED if any(row.status == Status.FAILURE for row in rows) else 0)


@cli.command(short_help="Tell what the model says of pictures.")
@click.argument("pictures", nargs=-1, required=True, type=LocalPath(path_type=Path), metavar="PICTURE...")
@click.option(
    "--model",
    type=LocalPath(path_type=Path),
    metavar="FILE",
    help="A .tflite file; --set is for it, the settings file's [model] is not. Without it, the settings' model.",
)
@click.option(
    "--top", type=click.IntRange(0), metavar="N", default=5, show_default=True, help="Labels of each picture; 0: all."
)
@click.option("--view", metavar="NAME", default="", help="Of several views, as this one would see them.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each picture.")
@_configuration
def classify(
    *,
    pictures: tuple[Path, ...],
    model: Path | None,
    top: int,
    view: str,
    as_json: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Tell what the model says of each PICTURE, or of all in a folder, as the daemon would see them.

    edgecam classify photos --model mine.tflite --set model.pixels=0..1

    The settings camera.crop, camera.rotation and camera.fit count too, and of several views those of the first one, or
    of that which --view names.
    """
    start_logging(verbose=False, quiet=True)
    from edgecam import config
    from edgecam.tools import classify

    settings = config.load(_settings_file(file), overrides, model)
    is_complete = True
    look = classify.look_of(settings, view, is_named=model is not None)
    for each in classify.classify(settings, look, pictures, top):
        if isinstance(each, EdgecamError):
            click.echo(f"edgecam: {each}", err=True)
            is_complete = False
        elif as_json:
            import msgspec

            click.echo(msgspec.json.encode(each))
        else:
            click.echo("\n".join(each.lines()))
    sys.exit(0 if is_complete else USAGE)


@cli.command(short_help="Measure how fast models are on this device.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="FILE",
    type=LocalPath(exists=True, dir_okay=False),
    help="A .tflite file; more than once for several; without it, the shipped one.",
)
@click.option("--threads", type=click.IntRange(1, 64), help="Only so many; without it, 1, 2, 4 ... of those there are.")
@click.option(
    "--frames", type=click.IntRange(10, 1_000_000), default=500, show_default=True, help="In each of 3 rounds."
)
@click.option("--delegate", default="", metavar="LIBRARY", help="Run the models on this accelerator.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def bench(*, models: tuple[str, ...], threads: int | None, frames: int, delegate: str, as_json: bool) -> None:
    """Measure bare inference and the whole daemon, side by side, on this device."""
    start_logging(verbose=False, quiet=True)
    from edgecam.tools.bench import run as run_bench

    report = run_bench(models, threads, frames, lambda what: click.echo(f"measuring {what} ...", err=True), delegate)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(report)))
    else:
        from edgecam.tools.bench_table import print_report

        print_report(report)


@cli.command(short_help="Show every camera on a broker, live.")
@click.option("--broker", metavar="HOST:PORT", help="Watch this broker instead of that of the settings.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="How long; without it, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print each event as a line of JSON.")
@_configuration
def watch(
    *, broker: str | None, seconds: float | None, as_json: bool, file: Path | None, overrides: tuple[str, ...]
) -> None:
    """Show every camera on a broker, live; with --json, every event."""
    start_logging(verbose=False, quiet=True)
    from edgecam import addresses
    from edgecam.tools import watch

    settings = _load(file, overrides).mqtt
    watch.watch(addresses.with_address(settings, broker) if broker else settings, seconds, as_json=as_json)


@cli.command(short_help="Clear what a broker keeps of a camera that is gone.")
@click.argument("name")
@click.option("--broker", metavar="HOST:PORT", help="At this broker instead of that of the settings.")
@click.option("--force", is_flag=True, help="Do it even if the camera is said to be online.")
@_configuration
def forget(*, name: str, broker: str | None, force: bool, file: Path | None, overrides: tuple[str, ...]) -> None:
    """Clear what a broker keeps of the camera NAME, and its device in Home Assistant.

    For a camera that is gone for good: it then leaves edgecam watch and Home Assistant.
    """
    start_logging(verbose=False, quiet=True)
    from edgecam.tools.forget import forget as forget_camera
    from edgecam.tools.forget import settings_of

    forgotten = forget_camera(settings_of(_load(file, overrides), name, broker), force=force)
    topics = ", ".join(forgotten.topics)
    click.echo(f"{name}: cleared {topics or 'no topic'}" + ("; Home Assistant's device" * forgotten.was_announced))


@cli.command(short_help="Make a key that signs models.")
@click.argument("file", type=LocalPath(path_type=Path))
def keygen(*, file: Path) -> None:
    """Make a key that signs models: the private one goes into FILE, the public one is printed for the settings."""
    from edgecam.rollout.signature import make_key

    public_key = make_key(file)
    click.echo(f'[rollout]\npublic_key = "{public_key}"')
    click.echo(f"{file}: the private key; whoever has it can give your cameras models", err=True)


@cli.command(short_help="Sign a model, to roll it out to cameras.")
@click.argument("model", type=LocalPath(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", required=True, type=LocalPath(path_type=Path), metavar="FILE", help="From edgecam keygen.")
@click.option("--url", required=True, help="Where cameras find the model: https://..., http://... or file://...")
@click.option("--untried", is_flag=True, help="Sign it though it cannot run here: only an accelerator runs it.")
def sign(*, model: Path, key: Path, url: str, untried: bool) -> None:
    """Print the message that rolls MODEL out: publish it, retained, on <base>/<camera>/model/set."""
    from edgecam.rollout.signature import order

    click.echo(order(model, key, url, untried=untried))


def main() -> None:
    """Run the command ``edgecam``."""
    run_command(cli, "edgecam")


def run_command(
    command: click.Command, name: str, arguments: Sequence[str] | None = None, *, typed: str = ""
) -> NoReturn:
    """Run a command, with the process' arguments or others; every expected error is one line, and an exit code.

    Args:
        command: what to run.
        name: with which its errors begin.
        arguments: other than the process'.
        typed: the words that start it, as help shows them; empty: its name.
    """
    words = typed or name
    sys.stdout = sys.stdout or _nowhere()  # None where the shell closed it
    sys.stderr = sys.stderr or _nowhere()
    try:
        sys.exit(command.main(arguments, prog_name=words, standalone_mode=False))
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else words
        where = name + path.removeprefix(words)
        problem = error.format_message()
        for theirs, ours in CLICKS_WORDS:
            problem = problem.replace(theirs, ours)
        _fail(f"{where}: {problem[0].lower()}{problem[1:].rstrip('.')} (see {path} --help)", USAGE)
    except click.ClickException as error:
        _fail(f"{name}: {error.format_message()}", error.exit_code)
    except EdgecamError as error:  # in a line for each mistake
        _fail("\n".join(f"{name}: {line}" for line in str(error).splitlines()), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except OSError as error:  # a full disk, a folder that is not ours
        where = f"{shown(str(error.filename))}: " if error.filename else ""
        _fail(f"{name}: {where}{in_words(error)}", FAILED)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - until the process ends


def _fail(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)

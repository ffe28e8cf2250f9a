"""The command ``python -m trainer``: the words that users type."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

import click
import msgspec

from edgecam import __version__
from edgecam.camera.fit import Fit
from edgecam.cli import run_command
from edgecam.model.pixel_range import USUAL
from trainer.errors import InputError
from trainer.network.backbones import NAMES, TUTORIAL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgecam.config import ModelSettings
    from trainer.comparison import Row
    from trainer.report.report import Report

DATA = click.argument("data", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def _fit_option(default: str | None, what: str) -> Callable[..., Any]:
    return click.option("--fit", type=click.Choice(get_args(Fit)), default=default, show_default=True, help=what)


_fit_of_training = _fit_option(
    "stretch",
    "How a photograph becomes square, here and then at the camera: crop takes its middle, letterbox adds bars.",
)


def _training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what decides how a training goes."""
    positive = click.IntRange(1)
    options = (
        click.option("--size", type=click.IntRange(32, 1024), default=224, show_default=True, help="Pixels a side."),
        _fit_of_training,
        click.option("--epochs", type=positive, default=None, help="Of fine-tuning.  [default: by photographs]"),
        click.option("--head-epochs", type=positive, default=None, help="Of the head.  [default: by photographs]"),
        click.option("--learning-rate", type=click.FloatRange(0, 1, min_open=True), default=5e-4, show_default=True),
        click.option("--batch", type=positive, default=32, show_default=True, help="Photographs a step."),
        click.option("--patience", type=positive, default=6, show_default=True, help="Epochs without gain."),
        _format_option,
        _max_loss_option,
        _seed_option,
        click.option(
            "--strategy",
            type=click.Choice(["none", "mirrored", "multiworker"]),
            default="none",
            show_default=True,
            help="Use all graphics processors, or all machines that TF_CONFIG names.",
        ),
        _overwrite_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


_format_option = click.option(
    "--format", type=click.Choice(["int8", "float16", "float32"]), default="int8", show_default=True
)
_max_loss_option = click.option(
    "--max-loss",
    type=click.FloatRange(0, 100),
    default=1.0,
    show_default=True,
    help="Percentage points of accuracy that int8 may cost.",
)
_seed_option = click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
_overwrite_option = click.option("--overwrite", is_flag=True, help="Replace a model that is in the output folder.")
_backbone_option = click.option("--backbone", type=click.Choice(NAMES), default="efficientnet_lite0", show_default=True)


def _output_option(default: str) -> Callable[..., Any]:
    path = click.Path(path_type=Path, file_okay=False)
    return click.option("--output", type=path, default=Path(default), show_default=True, help="Folder for results.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="trainer")
def cli() -> None:
    """Make an image classifier for edgecam from a folder of photographs, one subfolder a class."""


@cli.command()
@DATA
@_backbone_option
@click.option(
    "--weights", default="imagenet", show_default=True, metavar="imagenet|none|FILE", help="What to begin with."
)
@_output_option("trained")
@_training_options
@click.option("--resume", is_flag=True, help="Go on with a training that was stopped.")
def train(**options: Any) -> None:
    """Train a classifier on DATA, and report on it."""
    _import_tensorflow()
    from trainer import recipe

    try:
        result = recipe.train(_settings(options))
    except KeyboardInterrupt:
        if recipe.is_unfinished(options["output"]):
            click.echo(f"{options['output']}: stopped; --resume goes on with it", err=True)
        raise
    if result:
        _print_result(result, options["output"])


@cli.command()
@click.argument("model", type=click.Path(path_type=Path))
@DATA
@_fit_option(None, "How a photograph of another shape fits.  [default: as the model says]")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="How MODEL is read: model.labels=FILE; repeatable."
)
@JSON
def evaluate(*, model: Path, data: Path, fit: Fit | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Tell how good and how fast MODEL is.

    MODEL is a .tflite file that the daemon takes, DATA a folder of photographs of its classes.
    """
    from trainer.progress import say
    from trainer.report.folder_evaluation import evaluate_folder
    from trainer.report.report import class_results

    result = evaluate_folder(_model_settings(model, overrides), data, fit)
    for finding in result.findings:
        say(f"warning: {finding}")
    if result.doubt:
        say(f"warning: {result.doubt}")
    evaluation, count, pixels = result.evaluation, len(result.photos), result.model.pixels
    results = [each for each in class_results(evaluation, result.names) if each.photographs]
    if as_json:
        told: dict[str, Any] = {"name": pixels.name, "source": pixels.source, "reason": pixels.reason}
        if result.ranges:
            told |= {"ranges": result.ranges.accuracies, "best": result.ranges.best}
        figures = {
            "model": str(model),
            "photographs": count,
            "accuracy": evaluation.accuracy,
            "latency_ms": round(evaluation.latency_ms, 3),
            "pixels": told,
            "per_class": results,
        }
        _print_json(figures)
        return
    rows = [(each.name, str(each.photographs), f"{each.accuracy:.1%}", each.taken_for or "") for each in results]
    _print_table(("class", "photographs", "accuracy", "most often taken for"), rows)
    threads = result.model.plan.threads
    click.echo(
        f"accuracy {evaluation.accuracy:.1%} on {count} photographs, {evaluation.latency_ms:.1f} ms each "
        f"({'one thread' if threads == 1 else f'{threads} threads'}, this machine)"
    )


def _model_settings(model: Path, overrides: tuple[str, ...]) -> ModelSettings:
    """How a model is read, in the words of the daemon's settings.

    Raises:
        ConfigError: as the daemon would say it.
        InputError: something else than the model's reading is to be set.
    """
    from edgecam import config

    settings = config.load(None, overrides)
    for override in overrides:
        key = override.partition("=")[0]
        section, name = (word.strip().strip('"') for word in key.split(".", 2)[:2])
        if section != "model" or name == "path":
            message = f"--set: {section}.{name}: only how MODEL is read can be set here, such as model.labels=FILE"
            raise InputError(message)
    return msgspec.structs.replace(settings.model, path=str(model))


@cli.command()
@click.argument("keras_model", type=click.Path(path_type=Path))
@DATA
@_output_option("converted")
@click.option(
    "--pixels",
    type=click.Choice(["auto", *USUAL]),
    default="auto",
    show_default=True,
    help="What it takes for pixels; auto: as its first layers say, else as DATA shows.",
)
@_fit_of_training
@_format_option
@_max_loss_option
@_seed_option
@_overwrite_option
def convert(**options: Any) -> None:
    """Convert KERAS_MODEL, and report on it.

    It was trained, by whatever means, on the classes of DATA in alphabetical order.
    """
    _import_tensorflow()
    from trainer.keras_conversion import convert_model

    keras_model = options.pop("keras_model")
    result = convert_model(keras_model, _settings(options))
    _print_result(result, options["output"])


@cli.command()
@DATA
@click.option("--backbone", "names", type=click.Choice(NAMES), multiple=True, help="One to compare; may be repeated.")
@click.option(
    "--weights",
    multiple=True,
    metavar="[BACKBONE=]WHAT",
    help="imagenet, none or a file, for all backbones or for one; may be repeated.",
)
@_output_option("compared")
@_training_options
@JSON
def compare(*, names: tuple[str, ...], weights: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Train backbones, and show them side by side.

    Those that were trained in the output folder before, on the same DATA and with the same settings, are taken.
    """
    _import_tensorflow()
    from trainer import comparison

    by_name = dict(each.split("=", 1) for each in weights if "=" in each)
    unknown = sorted({*by_name} - {*NAMES})
    if unknown:
        message = f"--weights {unknown[0]}=...: no such backbone; expected one of {', '.join(NAMES)}"
        raise InputError(message)
    common = next((each for each in weights if "=" not in each), "imagenet")
    rows = comparison.compare(_settings({**options, "weights": common}), names or TUTORIAL, by_name)
    if as_json:
        _print_json(rows)
    else:
        _print_comparison(rows)
        click.echo(f"picture: {options['output'] / 'comparison.svg'}")


@cli.command()
@click.option("--device-price", type=click.FloatRange(0), required=True, help="Of one device with its camera.")
@click.option("--years", type=click.FloatRange(0, min_open=True), default=5.0, show_default=True, help="Of its use.")
@click.option("--watts", type=click.FloatRange(0), required=True, help="That it draws.")
@click.option("--kwh-price", type=click.FloatRange(0), required=True, help="Of a kilowatt hour.")
@click.option("--cloud-price", type=click.FloatRange(0), required=True, help="Of one image in the cloud.")
@click.option("--images", type=click.IntRange(1), default=1_000_000, show_default=True, help="Images a month.")
@click.option("--report", "file", type=click.Path(path_type=Path), help="A report.json, for the speed measured there.")
@click.option("--images-per-second", type=click.FloatRange(0, min_open=True), help="Speed, where there is no report.")
@JSON
def cost(*, file: Path | None, images_per_second: float | None, as_json: bool, **given: Any) -> None:
    """Compare the cost of an image here and there.

    Here: on the device; there: in the cloud. Money is in any one currency.
    """
    from trainer.report.cost import Prices
    from trainer.report.cost import cost as compute

    speed, source = _speed(file, images_per_second)
    prices = Prices(
        device=given["device_price"],
        years=given["years"],
        watts=given["watts"],
        kwh=given["kwh_price"],
        cloud_image=given["cloud_price"],
        images=given["images"],
    )
    result = compute(prices, speed)
    if as_json:
        _print_json(result)
        return
    rows = [
        ("cost of an image", f"{prices.cloud_image:.7f}", f"{result.edge_image:.7f}"),
        (f"cost a month ({prices.images:,} images)", f"{result.cloud_month:,.2f}", f"{result.edge_month:,.2f}"),
        ("devices", "", f"{result.devices} ({result.busy:.1%} busy)"),
        ("time for an image", "that of the network, and more", f"{1000 / speed:.1f} ms ({source})"),
    ]
    _print_table(("", "cloud", "edge"), rows)
    click.echo(
        f"saving: {result.saving:.1%} a month; paid back after {result.pays_after_months:.1f} months"
        if result.pays_after_months is not None and result.saving > 0
        else f"the cloud is cheaper by {result.edge_month - result.cloud_month:,.2f} a month"
    )


def _speed(file: Path | None, images_per_second: float | None) -> tuple[float, str]:
    """Images a second, and where that is known from."""
    if (file is None) == (images_per_second is None):
        message = "give either --report FILE or --images-per-second N"
        raise InputError(message)
    if images_per_second is not None:
        return images_per_second, "as given"
    from trainer.report import report

    try:
        result = report.read(Path(file or ""))
    except (OSError, msgspec.MsgspecError) as error:
        message = f"--report {file}: {getattr(error, 'strerror', None) or error}".lower()
        raise InputError(message) from None
    return result.images_per_second, f"measured on {result.machine}"


def _import_tensorflow() -> None:
    """Import it without what it has to say of processors that are not there."""
    from trainer.quiet import quietly

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # a third faster, but off by itself on some processors
    with quietly():
        import tensorflow  # noqa: F401, ICN001


def _settings(options: dict[str, Any]) -> Any:
    from trainer import recipe

    return recipe.Settings(**{name: value for name, value in options.items() if value is not None})


def _print_json(figures: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(figures)).decode())


def _print_result(result: Report, output: Path) -> None:
    after = "" if result.format == "float32" else f", {result.format} {result.accuracy.converted:.1%}"
    click.echo(f"accuracy: float {result.accuracy.float_:.1%}{after} on {result.data.test} test photographs")
    if result.pixels:
        click.echo(f"pixels:   {result.pixels.name} ({result.pixels.reason})")
    click.echo(f"model:    {output / 'model.tflite'} ({result.size_bytes / 1e6:.2f} MB, {result.latency_ms:.1f} ms)")
    click.echo(f"report:   {output / 'report.html'}")
    click.echo(f"try it:   edgecam run --set model.path={output / 'model.tflite'}")


def _print_comparison(rows: list[Row]) -> None:
    cells = [
        (
            each.backbone,
            f"{each.size_mb:.2f}",
            f"{each.latency_ms:.2f}",
            f"{each.accuracy_float:.1%}",
            f"{each.accuracy:.1%}",
            f"{each.images_per_second:.0f}",
        )
        for each in rows
    ]
    _print_table(("model", "size (MB)", "latency (ms)", "float", "as converted", "images a second"), cells)


def _print_table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for place, title in enumerate(titles):
        table.add_column(title, justify="right" if place and rows and rows[0][place][:1].isdigit() else "left")
    for row in rows:
        table.add_row(*row)
    Console(soft_wrap=True, highlight=False).print(table)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command; every expected error is one line and an exit code."""
    run_command(cli, "trainer", arguments)

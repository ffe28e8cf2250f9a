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
from trainer.data.layouts.reading import Layout
from trainer.errors import InputError
from trainer.learning.hyperparameters import Hyperparameters, Precision
from trainer.network.backbones import NAMES, TUTORIAL
from trainer.settings_file import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edgecam.config import ModelSettings
    from trainer.comparison import Row

DATA = click.argument("data", type=click.Path(path_type=Path))
LAYOUT = click.option(
    "--layout",
    type=click.Choice(get_args(Layout)),
    default="auto",
    show_default=True,
    help="How DATA is laid out, where that can be understood in two ways.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def _fit_option(default: str | None, what: str) -> Callable[..., Any]:
    return click.option("--fit", type=click.Choice(get_args(Fit)), default=default, show_default=True, help=what)


_fit_of_training = _fit_option(
    "stretch",
    "How a photograph becomes square, here and then at the camera: crop takes its middle, letterbox adds bars.",
)


def _training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what decides how a training goes."""
    options = (
        click.option(
            "--size",
            type=click.IntRange(32, 1024),
            default=224,
            show_default=True,
            help="Pixels a side of what the model sees.",
        ),
        _fit_of_training,
        click.option(
            "--unknown",
            type=click.Choice(["auto", "none"]),
            default="auto",
            show_default=True,
            help="auto: one more label, background, for all that is none of your classes, learnt from pictures that "
            "come with the trainer and from your folder nothing, if there is one. none: there is no such label.",
        ),
        _kind_option,
        click.option(
            "--mirror/--no-mirror",
            default=None,
            help="Learn mirrored photographs too.  [default: unless that confuses classes]",
        ),
        click.option(
            "--epochs",
            type=click.IntRange(0),
            default=None,
            help="How often all photographs are shown.  [default: the oftener the fewer there are, 10 to 60 times; "
            "with --weights none 20 to 80]",
        ),
        click.option(
            "--head-epochs",
            type=click.IntRange(0),
            default=0,
            show_default=True,
            help="How often before that, to the head alone: the last layer, which gives the scores.",
        ),
        *_hyperparameter_options(),
        _format_option,
        _max_loss_option,
        _false_events_option,
        click.option(
            "--strategy",
            type=click.Choice(["none", "mirrored", "multiworker"]),
            default="none",
            show_default=True,
            help="Use all graphics processors, or all machines that TF_CONFIG names.",
        ),
        click.option(
            "--logs",
            type=click.Path(path_type=Path, file_okay=False),
            help="Folder for the curves while it trains: training.csv, and files for TensorBoard.",
        ),
        _overwrite_option,
        _settings_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def _hyperparameter_options() -> Iterator[Callable[..., Any]]:
    """An option for each of `Hyperparameters`, with its default and its bounds."""
    share = click.FloatRange(0, 1)
    below_one = click.FloatRange(0, 1, max_open=True)
    rate = click.FloatRange(0, 1, min_open=True)
    described = {
        "batch": (click.IntRange(1), "Photographs from which each step learns."),
        "learning_rate": (rate, "The highest, of the last layers before the head."),
        "head_rate": (rate, "The highest, of the head: the last layer, which gives the scores."),
        "rate_decay": (rate, "Learning rate of the first layers, as a share of that of the last ones."),
        "weight_decay": (share, "How much weights are drawn to 0 (AdamW); biases and normalisation are not."),
        "dropout": (below_one, "Share of features that are left out at random before the head."),
        "label_smoothing": (below_one, "Share of a target that is spread over all classes."),
        "augment": (
            click.FloatRange(0, 2),
            "How much photographs are turned, moved, relit, worn and covered; 0: not at all.",
        ),
        "mixup": (click.FloatRange(0, 10), "How strongly two photographs are laid over each other (alpha); 0: never."),
        "average": (below_one, "Momentum of the moving average of all weights, which is what is kept; 0: none."),
        "patience": (click.IntRange(0), "Epochs without gain after which it stops early; 0: never."),
        "precision": (
            click.Choice(get_args(Precision)),
            "Numbers to learn in; auto: mixed_bfloat16 where there is a graphics processor.",
        ),
        "seed": (
            click.IntRange(0, (1 << 32) - 1),
            "Of all that is drawn by chance: the same one gives the same model.",
        ),
    }
    defaults = msgspec.structs.asdict(Hyperparameters())
    for name, (kind, what) in described.items():
        option = f"--{name.replace('_', '-')}"
        yield click.option(option, type=kind, default=defaults[name], show_default=True, help=what)


_settings_option = click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=read_settings,
    is_eager=True,
    expose_value=False,
    help="A TOML file with any of these options: learning-rate = 0.0005; what is typed wins.",
)
_kind_option = click.option(
    "--kind",
    type=click.Choice(["visit", "state"]),
    default="visit",
    show_default=True,
    help="What it is for: visit (who comes by?), where a folder nothing or none begins no event; state (open or "
    "closed?), where it is an answer like any other.",
)
_false_events_option = click.option(
    "--false-events",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.02,
    show_default=True,
    help="Share of unrelated pictures that may begin an event: thresholds are chosen by it.",
)
_format_option = click.option(
    "--format",
    type=click.Choice(["int8", "float16", "float32"]),
    default="int8",
    show_default=True,
    help="Numbers in model.tflite.",
)
_max_loss_option = click.option(
    "--max-loss",
    type=click.FloatRange(0, 100),
    default=1.0,
    show_default=True,
    help="Percentage points of accuracy that int8 may cost on validation photographs.",
)
_seed_option = click.option(
    "--seed",
    type=click.IntRange(0, (1 << 32) - 1),
    default=0,
    show_default=True,
    help="Of the deal into photographs to train, to validate and to test.",
)
_overwrite_option = click.option("--overwrite", is_flag=True, help="Replace a model that is in the output folder.")
_backbone_option = click.option(
    "--backbone",
    type=click.Choice(NAMES),
    default="efficientnet_lite0",
    show_default=True,
    help="The network; mobilenet_v3_small is faster and less accurate.",
)


def _output_option(default: str) -> Callable[..., Any]:
    path = click.Path(path_type=Path, file_okay=False)
    return click.option("--output", type=path, default=Path(default), show_default=True, help="Folder for results.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="trainer")
def cli() -> None:
    """Make an image classifier for edgecam from a folder of photographs, one subfolder a class."""


@cli.command()
@DATA
@LAYOUT
@_backbone_option
@click.option(
    "--weights",
    default="imagenet",
    show_default=True,
    metavar="imagenet|none|FILE",
    help="What the network knows before.",
)
@_output_option("trained")
@_training_options
@click.option("--resume", is_flag=True, help="Go on with a training that was stopped.")
def train(**options: Any) -> None:
    """Train a classifier on DATA, and report on it.

    DATA is a folder of photographs with a subfolder for each class, or what another tool exports: a folder or a .zip.
    """
    _import_tensorflow()
    from trainer.recipe.train import is_unfinished
    from trainer.recipe.train import train as run
    from trainer.report import terminal

    settings = _settings(options)
    try:
        result = run(settings)
    except (KeyboardInterrupt, OSError):  # such as a full disk
        if is_unfinished(settings.output):
            click.echo(f"{settings.output}: stopped; --resume goes on with it", err=True)
        raise
    if result:
        terminal.print_result(result, settings.output)


@cli.command()
@click.argument("model", type=click.Path(path_type=Path))
@DATA
@LAYOUT
@_fit_option(None, "How a photograph of another shape fits.  [default: as the model says]")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="How MODEL is read: model.labels=FILE; repeatable."
)
@click.option("--all", "every", is_flag=True, help="Test with what it was trained with too, which flatters.")
@click.option("--strict", is_flag=True, help="Refuse folders that MODEL does not know, instead of leaving them out.")
@_kind_option
@JSON
def evaluate(*, model: Path, data: Path, overrides: tuple[str, ...], as_json: bool, **asked: Any) -> None:
    """Tell how good and how fast MODEL is.

    MODEL is a .tflite file that the daemon takes, DATA a folder of photographs of its classes. Of these it is shown
    what it was tested with when it was trained, or has never seen.
    """
    from trainer.data.listing import summed
    from trainer.progress import say
    from trainer.report import terminal
    from trainer.report.folder_evaluation import Asked, evaluate_folder

    result = evaluate_folder(_model_settings(model, overrides), data, Asked(**asked))
    for line in summed(result.findings):
        say(f"warning: {line}")
    if result.doubt:
        say(f"warning: {result.doubt}")
    if as_json:
        terminal.print_json(terminal.evaluation_for_programs(model, result))
    else:
        terminal.print_evaluation(result)


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
@LAYOUT
@_kind_option
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
@_false_events_option
@_seed_option
@_overwrite_option
def convert(**options: Any) -> None:
    """Convert KERAS_MODEL, and report on it.

    It was trained, by whatever means, on the classes of DATA in alphabetical order.
    """
    _import_tensorflow()
    from trainer.keras_conversion import convert_model
    from trainer.report import terminal

    keras_model = options.pop("keras_model")
    settings = _settings(options)
    terminal.print_result(convert_model(keras_model, settings), settings.output)


@cli.command()
@DATA
@LAYOUT
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

    Those that were trained in the output folder before, by this version on the same photographs and with the same
    settings, are taken.
    """
    _import_tensorflow()
    from trainer import comparison
    from trainer.report import terminal

    by_name = dict(each.split("=", 1) for each in weights if "=" in each)
    unknown = sorted({*by_name} - {*NAMES})
    if unknown:
        message = f"--weights {unknown[0]}=...: no such backbone; expected one of {', '.join(NAMES)}"
        raise InputError(message)
    common = next((each for each in weights if "=" not in each), "imagenet")
    rows = comparison.compare(_settings({**options, "weights": common}), names or TUTORIAL, by_name)
    if as_json:
        terminal.print_json(rows)
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
    from trainer.report import terminal
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
        terminal.print_json(result)
        return
    rows = [
        ("cost of an image", f"{prices.cloud_image:.7f}", f"{result.edge_image:.7f}"),
        (f"cost a month ({prices.images:,} images)", f"{result.cloud_month:,.2f}", f"{result.edge_month:,.2f}"),
        ("devices", "", f"{result.devices} ({result.busy:.1%} busy)"),
        ("time for an image", "that of the network, and more", f"{1000 / speed:.1f} ms ({source})"),
    ]
    terminal.print_table(("", "cloud", "edge"), rows)
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
    from trainer.progress import waiting
    from trainer.quiet import quietly

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # a third faster, but off by itself on some processors
    with waiting("loading TensorFlow, some seconds"), quietly():
        import tensorflow  # noqa: F401, ICN001


def _settings(options: dict[str, Any]) -> Any:
    """The options as the recipe takes them."""
    from trainer.recipe.settings import Settings

    tuned = {
        name: options.pop(name) for name in Hyperparameters.__struct_fields__ if name in options and name != "mirror"
    }
    mirror = options.pop("mirror", None)
    given = {name: value for name, value in options.items() if value is not None}
    if mirror is not None:
        given["mirror"] = "always" if mirror else "never"
    return Settings(**given, hyperparameters=Hyperparameters(**tuned))


def _print_comparison(rows: list[Row]) -> None:
    from trainer.report import terminal

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
    terminal.print_table(("model", "size (MB)", "latency (ms)", "float", "as converted", "images a second"), cells)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command; every expected error is one line and an exit code."""
    run_command(cli, "trainer", arguments, typed="python -m trainer")

"""Settings and the mistakes in them."""

from __future__ import annotations

import socket
import string
import tomllib
from pathlib import Path

import msgspec
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from edgecam.config import Config, load
from edgecam.config.sections import ViewSettings
from edgecam.errors import ConfigError

SHIPPED = Path(__file__).parent.parent / "config.toml"


def mistakes(tmp_path: Path, text: str, *overrides: str) -> list[str]:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, overrides)
    return [mistake.replace(f"{file}: ", "") for mistake in caught.value.mistakes]


def test_without_a_file_every_default_holds() -> None:
    assert load() == Config()


def test_the_shipped_file_shows_every_default() -> None:
    assert load(SHIPPED) == Config()


def test_the_shipped_file_shows_every_key() -> None:
    shown = tomllib.loads(SHIPPED.read_text("utf-8"))
    known = {section: set(msgspec.to_builtins(getattr(Config(), section))) for section in shown}
    assert {section: set(keys) for section, keys in shown.items() if section != "events"} == {
        section: keys for section, keys in known.items() if section != "events"
    }
    assert set(shown) == {*Config.__struct_fields__} - {"views"}
    assert set(shown["events"]) == known["events"] - {"groups", "threshold"}  # none are written: the model's own count


def test_the_shipped_file_shows_every_key_of_a_view() -> None:
    lines = SHIPPED.read_text("utf-8").splitlines()
    text = "\n".join(line.removeprefix("# ") for line in lines[lines.index("# [[views]]") :])
    (view,) = tomllib.loads(text)["views"]
    assert set(view) == {*ViewSettings.__struct_fields__}
    plain = {key: value for key, value in view.items() if key in ("fit", "every")}
    assert plain == {"fit": ViewSettings().fit, "every": ViewSettings().every}


def test_the_shipped_file_explains_every_key() -> None:
    lines = SHIPPED.read_text("utf-8").splitlines()
    assert [line for line in lines if " = " in line and "#" not in line] == []


def test_a_camera_is_named_after_its_host() -> None:
    assert load().camera.name == socket.gethostname()


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = '[mqtt]\nport = "1883"\nhots = "x"\n[camera]\nrotation = 45\n[events.thresholds]\ncat = 2.0\n[nonsense]\n'
    assert mistakes(tmp_path, text) == [
        "mqtt.port: expected int, got str",
        "mqtt.hots: unknown key; did you mean host?",
        "camera.rotation: expected 0 or 90 or 180 or 270, got 45",
        "events.thresholds.cat: expected float <= 1.0, got 2.0",
        f"nonsense: unknown key; known: {', '.join(Config.__struct_fields__)}",
    ]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("camera = 3", "camera: expected table, got int"),
        ('[camera]\nname = "a/b"', "camera.name: expected a name without / + # or control characters, got 'a/b'"),
        ("[camera]\ncrop = [0.5, 0, 0.6, 1]", "camera.crop: expected x + width <= 1 and y + height <= 1"),
        (
            "[camera]\ncrop = [0, 0, 1]",
            "camera.crop: expected x, y, width and height as fractions of the picture, 0..1",
        ),
        (
            "[camera]\ncrop = [0, 0, 320, 240]",
            "camera.crop: expected x, y, width and height as fractions of the picture",
        ),
        ("[camera]\ncrop = [nan, 0, 1, 1]", "camera.crop: expected x, y, width and height as fractions of the picture"),
        ("[camera]\ncrop = [0.5, 0, 0, 1]", "camera.crop: expected width and height above 0, got [0.5, 0.0, 0.0, 1.0]"),
        ("[camera]\nfps = 0", "camera.fps: expected float > 0.0, got 0"),
        ('[model]\nthreads = "many"', "model.threads: expected 'auto' or int, got 'many'"),
        ("[model]\nthreads = 0", "model.threads: expected int >= 1, got 0"),
        ('[model]\ngraph = "new"', "model.graph: expected 'auto' or 'original' or 'rewritten', got 'new'"),
        ('[views]\nname = "gate"', "views: expected a list of tables, got a table: write [[views]]"),
        ("views = 3", "views: expected a list of tables, got 3: write [[views]]"),
        ('views = "gate"', "views: expected a list of tables, got 'gate': write [[views]]"),
        ('[[camera.views]]\nname = "gate"', "camera.views: unknown key; write [[views]], a section of its own"),
        ("[[views]]\n[views.camera]\nfps = 1", "views[0].camera: unknown key; write [camera], a section of its own"),
        (
            '[[views]]\nname = "gate"\nkind = "state"',
            "views.gate.kind: unknown key; did you mean views.gate.events.kind?",
        ),
        ('[[views]]\nname = "gate"\nrotation = 90', "views.gate.rotation: unknown key; did you mean camera.rotation?"),
        ('name = "porch"', "name: unknown key; did you mean camera.name?"),
        (
            '[[views]]\nname = "rtsp://me:S3CRET@h/x"',
            "views.rtsp://h/x.name: expected letters, digits, - and _, got 'rtsp://h/x'",
        ),
        (f'[[views]]\nname = "{"a" * 100}"', f"views.{'a' * 64}....name: expected str of length <= 64, got 'aaaa"),
        ('[[views]]\nname = "a b"', "views.a b.name: expected letters, digits, - and _, got 'a b'"),
        ('[[views]]\nname = "gate"\ncorp = []', "views.gate.corp: unknown key; did you mean crop?"),
        ('[[views]]\nname = "gate"\n[views.events]\nhold = "x"', "views.gate.events.hold: expected float, got str"),
        ("[[views]]\n[views.model]\ndelegate = 3", "views[0].model.delegate: expected str, got int"),
        ("[queue]\nsize = 0", "queue.size: expected int >= 1, got 0"),
        ('[events.groups]\ncat = "tabby"', "events.groups.cat: expected a list, got 'tabby': write ['tabby']"),
        ("[events.groups]\ncat = [1]", "events.groups.cat: expected str, got int in item [0]"),
        ('[events.groups]\na = ["x"]\nb = ["x"]', "events.groups.b: x is in the group a too"),
        (
            '[events]\nneutral = "nothing"',
            "events.neutral: expected 'auto' or a list, got 'nothing': write ['nothing']",
        ),
        ("[events]\nneutral = [3]", "events.neutral: expected str, got int in item [0]"),
        ('[model]\nscores = "softmax"', "model.scores: expected 'auto' or 'probabilities' or 'logits', got 'softmax'"),
        ('[mqtt]\ncert_file = "c.pem"\ntls = true', "mqtt.key_file: needed where mqtt.cert_file is given"),
        ('[mqtt]\nca_file = "c.pem"', "mqtt.ca_file: has no effect without mqtt.tls = true"),
        ('[mqtt]\npassword_file = "p"', "mqtt.username: needed where mqtt.password_file is given"),
        ('[mqtt]\nhost = "mqtt://me:S3CRET@porch"', "mqtt.host: expected a host's name or address alone;"),
        ('[mqtt]\nhost = "me:S3CRET@porch"', "mqtt.host: expected a host's name or address alone;"),
        ('[mqtt]\nbase = "home/"', "mqtt.base: expected levels such as home/cameras, without + #"),
        (
            '[camera]\nsource = "a\\u0000"',
            "camera.source: expected auto, picamera2, /dev/video0, rtsp:// or http://",
        ),
        (
            '[camera]\nsource = ""',
            "camera.source: expected auto, picamera2, /dev/video0, rtsp:// or http://",
        ),
        ('[model]\npath = "\\u0000"', r"model.path: expected the path of a file on this machine, got '\x00'"),
        (
            '[[views]]\nname = "gate"\n[views.model]\npath = "http://me:S3CRET@h/gate.tflite"',
            "views.gate.model.path: expected the path of a file on this machine, got 'http://h/gate.tflite'",
        ),
        (
            '[mqtt]\nca_file = "https://h/ca.pem"\ntls = true',
            "mqtt.ca_file: expected the path of a file on this machine",
        ),
        (
            '[homeassistant]\nlabels = ["open"]\ndevice_class = {open = "garage"}',
            "homeassistant.device_class.open: no binary sensor of Home Assistant has the class 'garage'; did you mean",
        ),
        (
            '[homeassistant]\nlabels = "all"\ndevice_class = {open = "xyz"}',
            "homeassistant.device_class.open: no binary sensor of Home Assistant has the class 'xyz'; known: battery,",
        ),
        (
            '[homeassistant]\ndevice_class = {open = "door"}',
            "homeassistant.device_class.open: has no effect without 'open' in homeassistant.labels",
        ),
        ("[camera]\nrotation = true", "camera.rotation: expected 0 or 90 or 180 or 270, got true"),
        ("[camera]\nrotation = [1]", "camera.rotation: expected 0 or 90 or 180 or 270, got a list"),
        ("[camera]\nwidth = 0x" + "f" * 5000, "camera.width: expected int <= 65535, got a larger number"),
        ("[camera]\nwidth = " + "9" * 5000, "not TOML: "),
        ("[camera\n", "not TOML: "),
        (
            "[events]\nhold = 1.0\n[mqtt]\n[events]\n",
            "not TOML: [events] stands there twice (at line 4, column 8); put the lines below it under the first one",
        ),
        (
            "[events]\nhold = 1.0\nhold = 2.0\n",
            "not TOML: a key stands twice under one heading (at line 3, column 11)",
        ),
        ("[events.thresholds]\n[events.thresholds]", "not TOML: [events.thresholds] stands there twice (at line 2, "),
    ],
)
def test_a_mistake_names_its_key_and_what_would_be_right(tmp_path: Path, text: str, mistake: str) -> None:
    (told,) = mistakes(tmp_path, text)
    assert told.startswith(mistake)


def test_a_missing_file_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read: no such file or directory"):
        load(tmp_path / "nowhere.toml")


def test_a_folder_is_no_configuration_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: is a directory"):
        load(tmp_path)


def test_a_file_that_is_no_text_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        load(tmp_path / "config.toml")


def test_an_override_beats_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[mqtt]\nport = 1\nhost = 'a'\n")
    mqtt = load(tmp_path / "config.toml", ["mqtt.port=2"]).mqtt
    assert (mqtt.host, mqtt.port) == ("a", 2)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("camera.source=10.0.0.2", "10.0.0.2"),
        ("camera.source='quoted'", "quoted"),
        ("camera.source=/dev/video0", "/dev/video0"),
    ],
)
def test_a_string_needs_no_quotes_in_an_override(override: str, expected: str) -> None:
    assert load(None, [override]).camera.source == expected


def test_an_override_of_a_wrong_type_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"--set: mqtt\.port: expected int, got str"):
        load(None, ["mqtt.port=abc"])


@pytest.mark.parametrize("override", ["mqtt.host", "host=a", "=a", "mqtt.=a", ""])
def test_an_override_without_section_key_and_value_is_a_mistake(override: str) -> None:
    with pytest.raises(ConfigError, match=r"expected SECTION\.KEY=VALUE"):
        load(None, [override])


@pytest.mark.parametrize(
    ("override", "mistake"),
    [
        ("pixels=0..1", "pixels...: expected SECTION.KEY=VALUE, such as model.pixels=..."),
        ("camera.source", "camera.source: expected SECTION.KEY=VALUE"),
        ("rtsp://me:S3CRET@porch/live", "rtsp...: expected SECTION.KEY=VALUE"),
        ("rtsp://me:S3.CRET@porch/live?a=b", "rtsp...: expected SECTION.KEY=VALUE"),
        ("me:S3.CRET@porch/live?a=b", "me...: expected SECTION.KEY=VALUE"),
        ("source=rtsp://me:S3CRET@porch/live", "source...: expected SECTION.KEY=VALUE"),
        ("camera.source:rtsp://me:S3CRET@porch/live", "camera.source...: expected SECTION.KEY=VALUE"),
        ("camera.sorce=rtsp://me:S3CRET@porch/live", "camera.sorce: unknown key; did you mean source?"),
        ("camera.rtsp://me:S3CRET@porch/live?a=b", "camera.rtsp://porch/live?...: unknown key"),
        ("mqtt.password=S3CRET", "mqtt.password: unknown key; did you mean password_file?"),
        (
            "camera.name=rtsp://me:S3CRET@porch/",
            "camera.name: expected a name without / + # or control characters, got 'r",
        ),
        (
            "camera.rotation=rtsp://me:S3CRET@porch/",
            "camera.rotation: expected 0 or 90 or 180 or 270, got 'rtsp://porch/'",
        ),
    ],
)
def test_a_mistyped_secret_is_not_told_on(override: str, mistake: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(None, [override])
    assert str(refused.value).startswith(f"--set: {mistake}")
    assert "S3" not in str(refused.value)


@pytest.mark.parametrize(
    ("override", "right"),
    [("events.threshold=0,5", "0.5"), ("camera.fps=-12,25", "-12.25"), ("events.thresholds.cat=0,7", "0.7")],
)
def test_a_decimal_comma_is_told(override: str, right: str) -> None:
    key, _, value = override.partition("=")
    with pytest.raises(ConfigError) as refused:
        load(None, [override])
    assert str(refused.value) == f"--set: {key}: expected a number, got '{value}': write {right}"


@pytest.mark.parametrize("key", ["camera.name", "mqtt.base", "homeassistant.prefix"])
@pytest.mark.parametrize("letter", ["\n", "\x7f", "\x85", "+", "#"])
def test_what_becomes_a_topic_has_none_but_its_letters(key: str, letter: str) -> None:
    assert load(None, [f"{key}=porch"])
    with pytest.raises(ConfigError, match=rf"--set: {key}: expected (a name|levels)"):
        load(None, [f"{key}=porch{letter}"])


def test_an_argument_that_is_no_text_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"--set: camera\.name: not UTF-8 text"):
        load(None, ["camera.name=\udcff"])


PATHS = [
    "camera.source",
    "model.path",
    "model.labels",
    *(f"mqtt.{name}_file" for name in ("password", "ca", "cert", "key")),
]
BESIDES = ["mqtt.tls=true", "mqtt.username=me", "mqtt.cert_file=c", "mqtt.key_file=k"]


@pytest.mark.parametrize("key", PATHS)
def test_a_home_stands_for_itself_in_every_path(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    section, _, name = key.partition(".")
    (tmp_path / "config.toml").write_text(f'[{section}]\n{name} = "~/in the file"\n')
    of_file = load(tmp_path / "config.toml", [each for each in BESIDES if not each.startswith(key)])
    of_argument = load(None, [*BESIDES, f"{key}=~/it"])
    assert getattr(getattr(of_file, section), name) == f"{tmp_path}/in the file"
    assert getattr(getattr(of_argument, section), name) == f"{tmp_path}/it"


@pytest.mark.parametrize("key", PATHS)
def test_a_user_whom_nobody_knows_is_told(key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(None, [f"{key}=~nosuchuser/it"])
    assert str(refused.value) == f"--set: {key}: ~nosuchuser/it: there is no user nosuchuser: write the whole path"


def test_what_names_no_file_may_begin_with_a_tilde() -> None:
    assert load(None, ["mqtt.username=~me"]).mqtt.username == "~me"


def test_a_label_with_dots_and_blanks_can_be_overridden() -> None:
    assert load(None, ["events.thresholds.St. Bernard=0.5"]).events.thresholds == {"St. Bernard": 0.5}


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Config().camera.name = "other"  # type: ignore[misc]


keys = st.one_of(st.sampled_from([*Config.__struct_fields__, "port", "host", "crop", "groups"]), st.text(max_size=5))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=10,
)


@given(st.text(alphabet=string.printable, max_size=40))
def test_any_override_is_taken_or_refused_in_words(override: str) -> None:
    try:
        load(None, [override])
    except ConfigError as error:
        assert all(mistake.startswith("--set: ") for mistake in error.mistakes)


@given(st.dictionaries(keys, values, max_size=4))
def test_any_file_is_taken_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, object]
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    try:
        file.write_text(tomli_w.dumps(tree), encoding="utf-8")
    except (TypeError, ValueError):
        return  # no TOML can say this
    try:
        load(file)
    except ConfigError as error:
        assert all(mistake.startswith(f"{file}: ") for mistake in error.mistakes)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (
            '"0..2"',
            "expected 'auto' or '0..255' or '0..1' or '-1..1' or 'imagenet' or {mean = [...], std = [...]}, got '0..2'",
        ),
        (
            "[1]",
            "expected 'auto' or '0..255' or '0..1' or '-1..1' or 'imagenet' or {mean = [...], std = [...]}, got a list",
        ),
        ("{meen = [1]}", ".meen: unknown key; did you mean mean?"),
        ("{mean = [1, 2]}", ".mean: expected one number, or three in the order of model.channels"),
        ("{mean = 127.5}", ".mean: expected a list, got 127.5: write [127.5]"),
        ("{mean = [nan]}", ".mean: expected one number, or three in the order of model.channels"),
        ("{std = [0.0]}", ".std: expected numbers above 0, got [0.0]"),
    ],
)
def test_pixels_are_a_word_or_a_table(tmp_path: Path, value: str, problem: str) -> None:
    assert mistakes(tmp_path, f"[model]\npixels = {value}\n") == [
        f"model.pixels{'' if problem.startswith('.') else ': '}{problem}"
    ]


def test_what_a_delegate_is_told_has_no_effect_without_one(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "[model]\ndelegate_options = {a = 1}\n") == [
        "model.delegate_options: has no effect without model.delegate"
    ]


class TestViews:
    """Several views of one camera."""

    def test_what_a_view_does_not_say_is_the_cameras(self, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_text(
            "[events]\nthreshold = 0.5\nignore = ['dog']\n[events.thresholds]\ncat = 0.9\n[motion]\nenabled = true\n"
            "[model]\nthreads = 2\nlabels = 'mine.txt'\nchannels = 'bgr'\n"
            "[[views]]\nname = 'gate'\n[views.model]\npath = 'gate.tflite'\n[views.events]\nhold = 2.0\n"
            "[views.events.thresholds]\nopen = 0.8\n[[views]]\n"
        )
        gate, nameless = load(file, ["views.gate.events.threshold=0.7", "views.gate.every=2"]).views
        assert (gate.events.threshold, gate.events.hold, gate.events.ignore) == (0.7, 2.0, ("dog",))
        assert gate.events.thresholds == {"open": 0.8}  # a table counts as a whole
        assert (gate.model.threads, gate.model.labels, gate.model.channels) == (2, "", "rgb")  # said of another model
        assert (gate.every, gate.motion.enabled) == (2.0, True)
        assert nameless.model == load(file).model
        assert nameless.events == load(file).events

    def test_without_any_the_camera_is_the_view(self) -> None:
        (look,) = load(None, ["events.hold=3", "model.threads=2"]).looks
        assert (look.name, look.events.hold, look.model.threads) == ("", 3.0, 2)

    def test_all_that_is_wrong_with_them_is_told_at_once(self, tmp_path: Path) -> None:
        text = (
            "[[views]]\nname = 'State'\ncrop = [0.5, 0.1, 0.6, 0.4]\n[[views]]\nname = 'a-b'\n[[views]]\nname = 'A_b'\n"
            "[[views]]\n[[views]]\n[views.model]\ndelegate_options = {a = 1}\n"
            "[[views]]\nname = 'x'\n[[views]]\nname = 'x'\n"
        )
        assert mistakes(tmp_path, text) == [
            "views.State.name: 'State' stands for something else in topics: choose another name",
            "views.a-b.name: too much alike: a-b, A_b: choose another name",
            "views.A_b.name: too much alike: a-b, A_b: choose another name",
            "views[3].name: only one view may be without a name: choose another name",
            "views[4].name: only one view may be without a name: choose another name",
            "views.x.name: another view is called 'x': choose another name",
            "views.x.name: another view is called 'x': choose another name",
            "views.State.crop: expected x + width <= 1 and y + height <= 1, got [0.5, 0.1, 0.6, 0.4]",
            "views[4].model.delegate_options: has no effect without views[4].model.delegate",
        ]

    @pytest.mark.parametrize("name", ["availability", "events", "all", "set", "_", "-", "Look", "collect"])
    def test_what_is_a_topic_already_is_no_name(self, tmp_path: Path, name: str) -> None:
        assert "stands for something else in topics" in mistakes(tmp_path, f"[[views]]\nname = '{name}'")[0]

    def test_an_override_names_a_view_that_is_there(self, tmp_path: Path) -> None:
        assert mistakes(tmp_path, "[[views]]\nname = 'gate'", "views.bin.every=2", "views.gate=3") == [
            "--set: views.bin: no view is called so; known: gate",
            "--set: views.gate...: expected views.NAME.KEY=VALUE, such as views.gate.every=1",
        ]

    @pytest.mark.parametrize("override", ['views."".every=2', "views[1].every=2", 'views . "" . every = 2'])
    def test_one_without_a_name_is_overridden_too(self, tmp_path: Path, override: str) -> None:
        file = tmp_path / "config.toml"
        file.write_text("[[views]]\nname = 'gate'\n[[views]]\n")
        assert [view.every for view in load(file, [override]).views] == [0.0, 2.0]

    @pytest.mark.parametrize(
        ("override", "mistake"),
        [
            ("views", "views: expected views.NAME.KEY=VALUE, such as views.gate.every=1"),
            ("views=[]", "views...: expected views.NAME.KEY=VALUE, such as views.gate.every=1"),
            ("views[1].every=x", "views[1].every: expected float, got str"),
            ("views[2].every=1", "views[2]: no view is called so; known: gate, views[1]"),
            ("views.gate.name=bin", "views.gate.name: a view gets another name in the settings file only"),
        ],
    )
    def test_what_is_wrong_with_an_override_is_told(self, tmp_path: Path, override: str, mistake: str) -> None:
        assert mistakes(tmp_path, "[[views]]\nname = 'gate'\n[[views]]", override) == [f"--set: {mistake}"]

    def test_a_password_that_got_into_one_is_not_shown(self, tmp_path: Path) -> None:
        told = mistakes(tmp_path, "[[views]]\nname = 'gate'", "views.me:S3CRET@h.every=1", "views.me:S3CRET@h.name=x")
        assert "S3CRET" not in "".join(told)
        assert "--set: views.h: no view is called so; known: gate" in told

    @pytest.mark.parametrize("text", ["views = 3", "views = 'gate'", "views = [3]", "[[views]]\nname = [1]"])
    @pytest.mark.parametrize("override", ["camera.name=x", "views.gate.every=1"])
    def test_an_override_of_settings_that_are_wrong_is_no_fault_of_ours(
        self, tmp_path: Path, text: str, override: str
    ) -> None:
        assert mistakes(tmp_path, text, override)[0].startswith("views")

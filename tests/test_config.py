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
    assert set(shown) == set(Config.__struct_fields__)
    assert set(shown["events"]) == known["events"] - {"groups"}  # none are written: the model's own count


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
        ("[camera]\ncrop = [0, 0, 1]", "camera.crop: expected list of length 4, got 3"),
        ("[camera]\nfps = 0", "camera.fps: expected float > 0.0, got 0"),
        ('[model]\nthreads = "many"', "model.threads: expected int or 'auto', got 'many'"),
        ("[model]\nthreads = 0", "model.threads: expected int >= 1, got 0"),
        ('[model]\ngraph = "new"', "model.graph: expected 'auto' or 'original' or 'rewritten', got 'new'"),
        ("[queue]\nsize = 0", "queue.size: expected int >= 1, got 0"),
        ('[events.groups]\ncat = "tabby"', "events.groups.cat: expected list, got str"),
        ("[events.groups]\ncat = [1]", "events.groups.cat: expected str, got int in item [0]"),
        ('[events.groups]\na = ["x"]\nb = ["x"]', "events.groups.b: x is in the group a too"),
        ('[events]\nneutral = "nothing"', "events.neutral: expected list or 'auto', got 'nothing'"),
        ("[events]\nneutral = [3]", "events.neutral: expected str, got int in item [0]"),
        ('[model]\nscores = "softmax"', "model.scores: expected 'auto' or 'probabilities' or 'logits', got 'softmax'"),
        ('[mqtt]\ncert_file = "c.pem"\ntls = true', "mqtt.key_file: needed where mqtt.cert_file is given"),
        ('[mqtt]\nca_file = "c.pem"', "mqtt.ca_file: has no effect without mqtt.tls = true"),
        ('[mqtt]\npassword_file = "p"', "mqtt.username: needed where mqtt.password_file is given"),
        ("[camera\n", "not TOML: "),
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
        ("mqtt.host=10.0.0.2", "10.0.0.2"),
        ("mqtt.host='quoted'", "quoted"),
        ("mqtt.host=/dev/video0", "/dev/video0"),
    ],
)
def test_a_string_needs_no_quotes_in_an_override(override: str, expected: str) -> None:
    assert load(None, [override]).mqtt.host == expected


def test_an_override_of_a_wrong_type_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"--set: mqtt\.port: expected int, got str"):
        load(None, ["mqtt.port=abc"])


@pytest.mark.parametrize("override", ["mqtt.host", "host=a", "=a", "mqtt.=a", ""])
def test_an_override_without_section_key_and_value_is_a_mistake(override: str) -> None:
    with pytest.raises(ConfigError, match=r"expected SECTION\.KEY=VALUE"):
        load(None, [override])


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

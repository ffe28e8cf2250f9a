"""Addresses: what may be shown of them, and what a broker's is."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.addresses import broker_address, shown
from edgecam.errors import ConfigError

SECRET = st.text("X@:/?#[]&=;%\\ \n", min_size=1, max_size=12)  # no X stands anywhere else
SCHEMES = st.sampled_from(["rtsp", "rtsps", "rtmp", "http", "https", "srt", "mqtt", "ffmpeg:rtsp", "h264+file"])
HOSTS = st.sampled_from(["porch.local", "10.0.0.7", "10.0.0.7:554", "[fe80::1%25eth0]:8554", "[::1]", "kamera-süd"])
PATHS = st.sampled_from(["", "/", "/live", "/live/ch1.sdp", "/h264Preview_01_main", "/a@b"])


@st.composite
def with_secrets(draw: st.DrawFn) -> str:
    scheme, host, path, secret = draw(SCHEMES), draw(HOSTS), draw(PATHS), draw(SECRET)
    slashes = draw(st.sampled_from(["://", "://", "://", ":/"]))
    login = draw(st.sampled_from(["", f"admin:{secret}@", f"{secret}:@", f"{secret}@", f":{secret}@"]))
    query = draw(st.sampled_from(["", f"?user=admin&password={secret}", f"?{secret}", f"#{secret}", f"?a=b#{secret}"]))
    within = draw(st.sampled_from(["", f"/user=admin_password={secret}_channel=1", f"/password={secret}"]))
    return f"{scheme}{slashes}{login}{host}{path}{within}{query}"


@given(with_secrets())
def test_no_secret_is_shown(address: str) -> None:
    assert "X" not in shown(address)


@given(st.sampled_from(["", "rtsp:/", "see rtsp://"]), SECRET, HOSTS, PATHS)
def test_nor_where_the_scheme_is_mistyped(scheme: str, secret: str, host: str, path: str) -> None:
    assert "X" not in shown(f"{scheme}admin:{secret.replace('/', '')}@{host}{path}")


@given(st.text() | with_secrets())
def test_whatever_it_is_can_be_shown_and_shown_again(text: str) -> None:
    assert shown(shown(text)) == shown(text)


@given(
    st.sampled_from(["auto", "picamera2", "picamera2:1", "/dev/video0", "/dev/v4l/by-id/usb-046d:0825-index0", ""])
    | st.lists(st.text(st.characters(exclude_characters="/:", exclude_categories=["Cs"]))).map("/".join)
)
def test_what_is_no_url_is_shown_as_it_is(text: str) -> None:
    assert shown(text) == text


@given(SCHEMES, HOSTS, st.sampled_from(["", "/", "/live", "/live/ch1.sdp"]))
def test_a_url_without_secrets_is_shown_as_it_is(scheme: str, host: str, path: str) -> None:
    assert shown(f"{scheme}://{host}{path}") == f"{scheme}://{host}{path}"


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("rtsp://user:secret@porch:554/live", "rtsp://porch:554/live"),
        ("rtmp://user:s%40cret@porch/live", "rtmp://porch/live"),
        ("rtsp://porch/cgi?user=admin&password=secret", "rtsp://porch/cgi?..."),
        ("rtsp://porch/user=admin_password=secret_channel=1.sdp", "rtsp://porch/..."),
        ("rtsp://user:S3[cret@porch/live", "rtsp://porch/live"),
        ("rtsp://user:se/cret@porch/live", "rtsp://..."),
        ("rtsp://user:se#cret@porch/live", "rtsp://..."),
        ("rtsp://user:secret", "rtsp://..."),
        ("admin:secret@porch/live", "porch/live"),
        ("file:///srv/models/m.tflite", "file:///srv/models/m.tflite"),
    ],
)
def test_what_is_left_is_where_it_is(address: str, text: str) -> None:
    assert shown(address) == text


@pytest.mark.parametrize("named", ["admin:secret@porch:1883", "mqtt://admin:secret@porch:1883", "mqtt://porch:1883"])
def test_a_broker_is_named_without_login(named: str) -> None:
    with pytest.raises(ConfigError, match="expected HOST:PORT, such as localhost:1883") as refused:
        broker_address(named)
    assert "secret" not in str(refused.value)


@given(st.text(min_size=1).filter(lambda host: not re.search(r"[/@\[\]]", host)), st.integers(1, 65_535))
def test_any_host_and_port_is_a_broker(host: str, port: int) -> None:
    assert broker_address(f"{host}:{port}")[1] == port


def test_the_library_itself_cannot_tell_what_to_show() -> None:
    """Why `shown` does not split by the standard library: it raises where a password is not encoded."""
    with pytest.raises(ValueError, match="IPv6"):
        urlsplit("rtsp://a:S3[cret@porch")

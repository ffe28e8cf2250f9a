"""What helps against an error whose own line does not say it: by its cause."""

from __future__ import annotations

import re
import socket
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING

from edgecam.config.sections import ModelSettings

if TYPE_CHECKING:
    from edgecam import config
    from edgecam.errors import BrokerError, EdgecamError

KEY = re.compile(r"(?:^|(?<= ))model\.([a-z_]+)(?=: | =)")  # that an error begins with, or names
OF_MODEL = re.compile(rf"(?<![\w./-])model\.(?=(?:{'|'.join(ModelSettings.__struct_fields__)})(?![\w/]|\.\w))")
ELSEWHERE = "listener 1883 and users, or allow_anonymous true, in mosquitto's settings"


def in_words_of(view: str, text: str) -> str:
    """Put the keys of a view's own model, such as ``views.gate.model.pixels``, in the place of the camera's."""
    return OF_MODEL.sub(f"{view}.model.", text)


def remedy_for_model(error: EdgecamError, settings: config.ModelSettings) -> str:
    """Say what to do about a model that is refused."""
    if error.remedy:
        return error.remedy
    if (key := KEY.search(error.problem)) and key[1] in set(settings.__struct_fields__) - {"path"}:
        return f"correct {key[0]}, or leave it out"
    if not settings.path:
        return "install edgecam anew"
    return "name a classifier in model.path, or none for the shipped one"


def remedy_for_camera(error: EdgecamError, source: str) -> str:
    """Say what to do about a source that gives no frame."""
    if error.remedy:
        return error.remedy
    if source.startswith("/dev/"):
        return f"see that it is a camera and no other program has it (fuser {source}), and plug it in anew"
    if "://" in source:
        return "see that it is on, and that its address, user name and password in camera.source are right"
    return 'correct camera.source, or set it to "auto"'


def remedy_for_broker(error: BrokerError, settings: config.MqttSettings) -> str:
    """Say what to do about a broker that cannot be reached, by the error of the connection, or that refuses us."""
    return error.remedy or _remedy_for_connection(error.__cause__, settings.host)


def _remedy_for_connection(cause: BaseException | None, host: str) -> str:
    match cause:
        case socket.gaierror():
            remedy = "correct mqtt.host"
        case ssl.SSLCertVerificationError():
            remedy = "name its authority in mqtt.ca_file; mqtt.host must stand in its certificate"
        case ssl.SSLError():
            remedy = "is mqtt.tls right, and mqtt.port that for TLS, mostly 8883?"
        case ConnectionRefusedError() if _is_here(host):
            remedy = "start it: sudo systemctl start mosquitto; or correct mqtt.host and mqtt.port"
        case ConnectionRefusedError():
            remedy = f"start it there, and let it listen to others: {ELSEWHERE}; or correct mqtt.host and mqtt.port"
        case TimeoutError():
            remedy = "correct mqtt.host, or let the firewall there pass mqtt.port"
        case _:
            remedy = "correct the section [mqtt]: host, port, tls"
    return remedy


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False

"""Runs the daemon in a network of its own and records every packet: ``unshare --net python -m tests.network_trace``.

It prints what was seen as JSON. This network has a way out, to nowhere: what is sent to anybody is seen.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psutil
from paho.mqtt import client as paho
from scapy.config import conf
from scapy.contrib.mqtt import CONTROL_PACKET_TYPE, MQTT, MQTTPublish
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import ICMPv6MLReport2, ICMPv6ND_NS, ICMPv6ND_RS
from scapy.sendrecv import AsyncSniffer

from edgecam.tools.demo import shipped_clip
from tests.broker import Mosquitto, Subscriber
from tests.command import Daemon

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scapy.packet import Packet


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends with which the threads of the subscriber's paho wake each other; paho itself listens for them."""
    ends = socket.socketpair()
    for end in ends:
        end.settimeout(0)
    return ends


paho._socketpair_compat = _socket_pair  # noqa: SLF001  there is no public way, and it would be seen as a stranger's

WAY_OUT = (
    "ip link set lo up",
    "ip link add out type veth peer name nobody",
    "ip address add 192.0.2.1/24 dev out",
    "ip link set out up",
    "ip link set nobody up",
    "ip route add default dev out",
)


class Trace(msgspec.Struct):
    """What was seen.

    Attributes:
        strangers: packets that are not of a connection to the broker.
        kinds: kinds of MQTT packets that the daemon sent.
        topics: topics that it published to.
        largest: bytes of the largest message that it published.
        images: messages that it published with the beginning of an image in them.
        listening: sockets at which it listened.
        events: how many events a subscriber received.
    """

    strangers: list[str]
    kinds: list[str]
    topics: list[str]
    largest: int
    images: int
    listening: list[str]
    events: int


BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", b"BM", b"JFIF")


def trace() -> Trace:
    """Run the daemon on the shipped clip, from its start to its end."""
    for command in WAY_OUT:
        subprocess.run(command.split(), check=True)
    conf.use_pcap = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sniffer = AsyncSniffer(iface=["lo", "out"])
        sniffer.start()
        with Mosquitto(folder / "broker") as broker, Subscriber(broker.port, wait_s=60) as subscriber:
            settings = {
                "camera.source": shipped_clip(),
                "mqtt.port": broker.port,
                "mqtt.host": broker.host,
                "stats.interval": 1,
            }
            daemon = Daemon(folder / "state", settings)
            subscriber.wait_for_topic("events")
            process = psutil.Process(daemon.process.pid)
            listening = [str(each.laddr) for each in process.net_connections("inet") if each.status == "LISTEN"]
            ours = {each.laddr.port for each in process.net_connections("tcp")}
            daemon.wait(50)
            seen = subscriber.until_offline()
            daemon.kill()
        packets = list(sniffer.stop() or ())
    strangers = [packet.summary() for packet in packets if not (_is_to(broker.port, packet) or _is_kernels(packet))]
    sent = _mqtt(packets, ours, broker.port)
    published = [each[MQTTPublish] for each in sent if MQTTPublish in each]
    values = [bytes(each.value) for each in published]
    return Trace(
        strangers,
        sorted({CONTROL_PACKET_TYPE[each.type] for each in sent}),
        sorted({each.topic.decode() for each in published}),
        max(map(len, values)),
        sum(any(beginning in value for beginning in BEGINNINGS) for value in values),
        listening,
        sum(each.topic.endswith("/events") for each in seen),
    )


def _is_to(port: int, packet: Packet) -> bool:
    return TCP in packet and port in (packet[TCP].sport, packet[TCP].dport)


def _is_kernels(packet: Packet) -> bool:
    """Whether it is how IPv6 comes up at a network card."""
    return ICMPv6MLReport2 in packet or ICMPv6ND_NS in packet or ICMPv6ND_RS in packet


def _mqtt(packets: Iterable[Packet], ports: set[int], broker: int) -> list[Packet]:
    """MQTT packets that were sent from some ports to the broker."""
    pieces = {
        packet[TCP].seq: bytes(packet[TCP].payload)[: packet[IP].len - 4 * packet[IP].ihl - 4 * packet[TCP].dataofs]
        for packet in packets
        if TCP in packet and packet[TCP].sport in ports and packet[TCP].dport == broker
    }
    return [MQTT(packet) for packet in _split(b"".join(pieces[seq] for seq in sorted(pieces)))]


def _split(stream: bytes) -> Iterator[bytes]:
    """The MQTT packets in a stream, each with its own length before it."""
    while stream:
        length, size = 0, 1
        while True:
            length |= (stream[size] & 0x7F) << 7 * (size - 1)
            size += 1
            if stream[size - 1] < 0x80:
                break
        yield stream[: size + length]
        stream = stream[size + length :]


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(trace()))

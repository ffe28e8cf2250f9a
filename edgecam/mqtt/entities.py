"""What Home Assistant shows of one view of a camera."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from edgecam.mqtt.notices import Origin

if TYPE_CHECKING:
    from edgecam.config import Config
    from edgecam.mqtt.notices import ViewFacts

Entity = dict[str, Any]
Entities = dict[str, Entity]

DIAGNOSTIC = {"entity_category": "diagnostic"}
MEASURED = {"state_class": "measurement"}
MOST_LABELS = 20  # that become entities where all are wanted
# Home Assistant wants the kind of an event beside what it says.
EVENT = "dict(value_json, event_type=value_json.type) | to_json"
LABEL = "is_"  # begins the key of a label's entity
HASH = re.compile(r"[0-9a-f]{16}")  # ends it


def sensor(name: str, topic: str, template: str, icon: str) -> Entity:
    """Describe a sensor that shows what a template makes of the messages on a topic."""
    return {
        "platform": "sensor",
        "name": name,
        "state_topic": topic,
        "value_template": f"{{{{ {template} }}}}",
        "icon": icon,
    }


def switch(name: str, root: str) -> Entity:
    """Describe the switch of what has topics of its own below ``root``."""
    return {
        "platform": "switch",
        "name": name,
        "command_topic": f"{root}/enabled/set",
        "state_topic": f"{root}/enabled/state",
        "payload_on": "ON",
        "payload_off": "OFF",
        "icon": "mdi:eye-check-outline",
        "qos": 1,
    }


def threshold(name: str, root: str, *, resets: bool) -> Entity:
    """Describe the slider of what has topics of its own below ``root``; it ``resets`` where null may be told."""
    return {
        "platform": "number",
        "name": name,
        "command_topic": f"{root}/threshold/set",
        "state_topic": f"{root}/threshold/state",
        **({"payload_reset": "null"} if resets else {}),
        "min": 0,
        "max": 1,
        "step": 0.01,
        "mode": "slider",
        "icon": "mdi:tune-variant",
        "entity_category": "config",
        "qos": 1,
    }


def key_of(view: str, name: str) -> str:
    """Return the key of an entity of a view; no two are alike, as no name that is ours has two underscores in it."""
    return f"{view}__{name}" if view else name


def is_label_of(view: str, key: str) -> bool:
    """Whether a key is that of a label of a view."""
    before = key_of(view, LABEL)
    return key.startswith(before) and bool(HASH.fullmatch(key.removeprefix(before)))


def view_entities(settings: Config, view: ViewFacts, device: str) -> Entities:
    """Describe the entities of a view; the switch and the slider of one without a name are the camera's.

    Args:
        settings: all of them.
        view: what is known of it.
        device: what the ids of entities begin with.
    """
    name = view.name
    shown = _main(settings, view)
    if name:
        root = f"{settings.root}/{name}"
        shown["enabled"] = switch(_named(name, "Classification"), root)
        shown["threshold"] = threshold(_named(name, "Threshold"), root, resets=True)
    topic = Origin(settings.root, settings.camera.name, name).topic
    if settings.privacy.snapshots:
        shown["snapshot"] = {
            "platform": "image",
            "name": _named(name, "Snapshot"),
            "image_topic": topic("snapshot"),
            "content_type": "image/jpeg",
        }
    if settings.rollout.public_key:
        state = sensor(_named(name, "Model"), topic("model/state"), "value[:255]", "mdi:brain")
        shown["model_state"] = {**state, **DIAGNOSTIC}
    if settings.views:
        shown["problem"] = {
            "platform": "binary_sensor",
            "name": _named(name, "Problem"),
            "device_class": "problem",
            "state_topic": topic("state"),
            "value_template": "{{ 'ON' if value_json.error else 'OFF' }}",
            "json_attributes_topic": topic("state"),
            "json_attributes_template": "{{ {'error': value_json.error} | to_json }}",
            **DIAGNOSTIC,
        }
    before = f"{device}:{name}:" if name else f"{device}_"
    entities = {key_of(name, key): {**each, "unique_id": f"{before}{key}"} for key, each in shown.items()}
    for label in _wanted(settings, view):
        key = key_of(name, LABEL + hashlib.sha256(label.encode()).hexdigest()[:16])
        entities[key] = {**_label(settings, view, label), "unique_id": f"{device}:{name}:is:{quote(label, safe='')}"}
    return entities


def _main(settings: Config, view: ViewFacts) -> Entities:
    state = Origin(settings.root, settings.camera.name, view.name).topic("state")
    is_lasting = view.kind == "state"
    told = ["since", "event_id", *(("certain", "last_certain") if is_lasting else ())]
    there = _availability(settings, view, is_lost_too=is_lasting)
    event = f"{EVENT} if value_json.view == '{view.name}' else ''" if settings.views else EVENT
    return {
        "label": {
            **sensor(
                _named(view.name, "Label"),
                state,
                "value_json.label" if is_lasting else "value_json.label or 'nothing'",
                "mdi:eye",
            ),
            "json_attributes_topic": state,
            "json_attributes_template": _attributes(told),
            **there,
        },
        "score": {
            **sensor(_named(view.name, "Score"), state, "(value_json.score * 100) | round(1)", "mdi:percent"),
            **MEASURED,
            "unit_of_measurement": "%",
            **there,
        },
        "event": {
            "platform": "event",
            "name": _named(view.name, "Event"),
            "state_topic": f"{settings.root}/events",
            "value_template": f"{{{{ {event} }}}}",
            "event_types": ["new", "end"] if is_lasting else ["new", "update", "end"],
            "icon": "mdi:bell-ring-outline",
            "qos": 1,
        },
    }


def _label(settings: Config, view: ViewFacts, label: str) -> Entity:
    """Describe what is on while a view sees a label."""
    state = Origin(settings.root, settings.camera.name, view.name).topic("state")
    undecided = "'None' if value_json.label is none else " if view.kind == "state" else ""
    device_class = settings.homeassistant.device_class.get(label)
    told = ["since", "event_id", *(("certain", "last_certain") if view.kind == "state" else ())]
    return {
        "platform": "binary_sensor",
        "name": _named(view.name, label[:1].upper() + label[1:])
        if not view.name
        else f"{_readable(view.name)} {label}",
        **({"device_class": device_class} if device_class else {}),
        "state_topic": state,
        "value_template": f"{{{{ {undecided}'ON' if value_json.label == {_quoted(label)} else 'OFF' }}}}",
        "json_attributes_topic": state,
        "json_attributes_template": _attributes(told),
        **_availability(settings, view, is_lost_too=True),
    }


def _wanted(settings: Config, view: ViewFacts) -> tuple[str, ...]:
    wanted = settings.homeassistant.labels
    if wanted == "all":
        return view.labels[:MOST_LABELS]
    return tuple(label for label in dict.fromkeys(wanted) if label in view.labels)


def _availability(settings: Config, view: ViewFacts, *, is_lost_too: bool) -> Entity:
    """Say when an entity is unavailable besides while edgecam is not there; nothing where it never is."""
    reasons = [
        *(("value_json.error",) if settings.views else ()),
        *(("value_json.camera == 'lost'",) if is_lost_too else ()),
    ]
    if not reasons:
        return {}
    state = Origin(settings.root, settings.camera.name, view.name).topic("state")
    template = f"{{{{ 'offline' if {' or '.join(reasons)} else 'online' }}}}"
    return {
        "availability": [
            {"topic": f"{settings.root}/availability"},
            {"topic": state, "value_template": template},
        ],
        "availability_mode": "all",
    }


def _attributes(names: list[str]) -> str:
    told = ", ".join(f"'{name}': value_json.{name}" for name in names)
    return f"{{{{ {{{told}}} | to_json }}}}"


def _named(view: str, name: str) -> str:
    """Return the name of an entity, such as ``Gate label``."""
    return f"{_readable(view)} {name.lower()}" if view else name


def _readable(view: str) -> str:
    """Make a view's name one that people read: ``back-door`` is ``Back door``."""
    words = " ".join(view.replace("-", " ").replace("_", " ").split()) or view
    return words[:1].upper() + words[1:]


def _quoted(text: str) -> str:
    """Write text as it stands in a template; Jinja takes the escapes of JSON, but no pairs of surrogates."""
    return json.dumps(text, ensure_ascii=False)

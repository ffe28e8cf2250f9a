"""Home Assistant with its MQTT integration and nothing else: ``python hass.py BROKER WEB FOLDER``, by its own Python.

BROKER and WEB are ports of the loopback interface; what an earlier run kept in FOLDER is there again. It prints each
state that changes as a line of JSON, and what a line of JSON on its standard input asks for: ``{"call": ["switch",
"turn_off", {"entity_id": ...}]}`` calls a service, ``{"registry": true}`` lists all entities, ``{"image":
"image.porch_snapshot"}`` says how many bytes a picture has.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

from homeassistant import bootstrap, config_entries, loader
from homeassistant.auth import auth_manager_from_config
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry
from homeassistant.helpers.entity_component import DATA_INSTANCES
from homeassistant.setup import async_setup_component


def tell(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what, default=str) + "\n")
    sys.stdout.flush()


def tell_state(event: Event[Any]) -> None:
    new = event.data["new_state"]
    tell(
        {
            "entity": event.data["entity_id"],
            "state": new and new.state,
            "attributes": dict(new.attributes) if new else {},
        }
    )


async def answer(hass: HomeAssistant, asked: dict[str, Any]) -> None:
    if call := asked.get("call"):
        await hass.services.async_call(*call, blocking=True)
    elif "registry" in asked:
        entities = entity_registry.async_get(hass).entities.values()
        tell({"registry": {each.unique_id: [each.entity_id, each.entity_category, each.disabled] for each in entities}})
    elif entity := asked.get("image"):
        shown: Any = hass.data[DATA_INSTANCES]["image"].get_entity(entity)
        tell({"image": len(await shown.async_image() or b"")})


async def main(broker: int, web: int, folder: str) -> None:
    hass = HomeAssistant(folder)
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth_manager_from_config(hass, [], [])
    await async_setup_component(hass, "homeassistant", {})
    await async_setup_component(hass, "http", {"http": {"server_host": ["127.0.0.1"], "server_port": web}})
    # As a callback it is called in the loop; else in whichever thread is free, and the states come in any order.
    hass.bus.async_listen("state_changed", callback(tell_state))
    await hass.async_start()
    known = hass.config_entries.async_entries("mqtt")  # of an earlier run in this folder
    entry = known[0] if known else entry_of(broker)
    if known:
        await async_setup_component(hass, "mqtt", {})
    else:
        await hass.config_entries.async_add(entry)
    tell({"loaded": entry.state.value})
    while line := await asyncio.to_thread(sys.stdin.readline):
        await answer(hass, json.loads(line))
    await hass.async_stop()


def entry_of(broker: int) -> config_entries.ConfigEntry:
    return config_entries.ConfigEntry(
        version=1,
        minor_version=2,
        domain="mqtt",
        title="broker",
        data={"broker": "127.0.0.1", "port": broker},
        source="user",
        options={},
        unique_id=None,
        discovery_keys={},
        subentries_data=(),
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    Path(sys.argv[3], "configuration.yaml").touch()
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))

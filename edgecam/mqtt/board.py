"""What the broker keeps of a camera for who comes later: how it is, what it sees, what is switched, which model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgecam.kept import announced_file, forget_kept
from edgecam.mqtt.homeassistant import Announced, announcement, announcement_topic
from edgecam.mqtt.notices import Origin
from edgecam.mqtt.retained import Retained

if TYPE_CHECKING:
    from edgecam import config
    from edgecam.mqtt.delivery import Delivery
    from edgecam.mqtt.notices import Switched
    from edgecam.mqtt.payloads import StatePayload
    from edgecam.mqtt.states import States
    from edgecam.rollout.record import ModelState


class Board:
    """Has all of it kept under the camera's name of now, and what is told to Home Assistant too."""

    def __init__(
        self,
        settings: config.Config,
        states: States,
        switched: Switched,
        model_state: ModelState,
        delivery: Delivery,
    ) -> None:
        """Begin with what is known; nothing is told before `put_all`.

        Args:
            settings: all of them.
            states: what is seen.
            switched: what is published as ``enabled/state`` and ``threshold/state``.
            model_state: what is published as ``model/state``, if models may come over MQTT.
            delivery: by way of which it is told.
        """
        self._settings = settings
        self._states = states
        self._switched = switched
        self._model_state = model_state
        self._announced = Announced(announced_file(settings.camera.name))
        self.over(delivery)

    def over(self, delivery: Delivery) -> None:
        """Tell another broker from now on, which knows nothing of what was before."""
        self._delivery = delivery
        self._retained = Retained(delivery)

    def take(self, settings: config.Config) -> None:
        """Take over other settings; what is told by them is for `put_all` or `announce` to tell."""
        before, self._settings = self._settings, settings
        if settings.camera.name != before.camera.name:
            forget_kept(announced_file(before.camera.name))
            self._announced = Announced(announced_file(settings.camera.name))

    def put_all(self) -> None:
        """Have all kept."""
        self.announce()
        self._retained.put(self._topic("availability"), b"online")
        for view, state in self._states.now.items():
            self._put_state(view, state)
        self._put_switches()
        self._put_model_state()

    def tell_all(self) -> None:
        """Tell all that is kept, to a broker that may know nothing."""
        self.announce()  # as large as this broker takes it
        self._retained.tell_all()

    def clear(self) -> None:
        """Have nothing kept of this camera."""
        self._retained.put(self._topic("stats"), b"")
        self._retained.clear()

    def tell_states(self) -> None:
        """Tell what is seen since the last call, each change in its order."""
        for view, state in self._states.take_changes():
            self._put_state(view, state)

    def switch(self, switched: Switched) -> None:
        """Tell what is switched now."""
        self._switched = switched
        self._put_switches()

    def tell_model(self, state: ModelState) -> None:
        """Tell what becomes of an ordered model."""
        self._model_state = state
        self._put_model_state()

    def announce(self) -> None:
        """Let Home Assistant show the camera as the settings say, and withdraw it from where it was shown before."""
        topic = announcement_topic(self._settings)
        payload = announcement(self._settings, self._delivery.largest(topic))
        for announced in self._announced.topics:
            if announced != topic or not payload:
                self._retained.put(announced, b"")
        if payload:
            self._retained.put(topic, payload)
            self._announced.note(topic)

    def take_cleared(self, topic: str) -> None:
        """Take in that the broker keeps nothing on a topic any more."""
        self._announced.forget(topic)

    def _put_state(self, view: str, state: StatePayload) -> None:
        topic = Origin(self._settings.root, self._settings.camera.name, view).topic("state")
        self._retained.put(topic, msgspec.json.encode(state))

    def _put_switches(self) -> None:
        self._retained.put(self._topic("enabled/state"), b"ON" if self._switched.enabled else b"OFF")
        self._retained.put(self._topic("threshold/state"), msgspec.json.encode(self._switched.threshold))

    def _put_model_state(self) -> None:
        if self._settings.rollout.public_key:
            self._retained.put(self._topic("model/state"), self._model_state.text.encode())
        else:
            self._retained.take_back(self._topic("model/state"))

    def _topic(self, name: str) -> str:
        return f"{self._settings.root}/{name}"

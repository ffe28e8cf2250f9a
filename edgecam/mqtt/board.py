"""What the broker keeps of a camera for who comes later: how it is, what it sees, what is switched, which model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgecam.kept import announced_file, forget_kept
from edgecam.mqtt.announced import Announced, Shown
from edgecam.mqtt.entities import is_label_of
from edgecam.mqtt.homeassistant import announcement, announcement_topic, dismissals, entities
from edgecam.mqtt.notices import Origin
from edgecam.mqtt.retained import Retained

if TYPE_CHECKING:
    from edgecam import config
    from edgecam.mqtt.delivery import Delivery
    from edgecam.mqtt.entities import Entities
    from edgecam.mqtt.notices import Switched, ViewFacts
    from edgecam.mqtt.payloads import StatePayload
    from edgecam.mqtt.states import States
    from edgecam.rollout.record import ModelState


class Board:
    """Has all of it kept under the camera's name of now, and what is told to Home Assistant too.

    What is kept of a view that is gone is cleared, also of one that went while no daemon ran.
    """

    def __init__(
        self,
        settings: config.Config,
        views: tuple[ViewFacts, ...],
        states: States,
        switched: Switched,
        model_state: ModelState,
        delivery: Delivery,
    ) -> None:
        """Begin with what is known; nothing is told before `put_all`.

        Args:
            settings: all of them.
            views: at least one.
            states: what is seen.
            switched: what is published as ``enabled/state`` and ``threshold/state``; that of views with a name comes
                later.
            model_state: likewise what is published as ``model/state``, if models may come over MQTT.
            delivery: by way of which it is told.
        """
        self._settings = settings
        self._views = views
        self._states = states
        self._switched = {switched.view: switched}
        self._model_states = {model_state.view: model_state}
        self._announced = Announced(announced_file(settings.camera.name))
        self.over(delivery)

    def over(self, delivery: Delivery) -> None:
        """Tell another broker from now on, which knows nothing of what was before."""
        self._delivery = delivery
        self._retained = Retained(delivery)

    def take(self, settings: config.Config, views: tuple[ViewFacts, ...]) -> None:
        """Take over other settings and views; what is told by them is for `put_all` to tell."""
        before, self._settings, self._views = self._settings, settings, views
        there = {"", *(view.name for view in views)}
        self._switched = {view: each for view, each in self._switched.items() if view in there}
        if settings.camera.name != before.camera.name:
            forget_kept(announced_file(before.camera.name))
            self._announced = Announced(announced_file(settings.camera.name))

    def put_all(self) -> None:
        """Have all kept, and nothing else of what was kept before."""
        self.announce()
        self._retained.put(self._topic("availability"), b"online")
        for view, state in self._states.now.items():
            self._put_state(view, state)
        for switched in self._switched.values():
            self._put_switches(switched)
        for model_state in self._model_states.values():
            self._put_model_state(model_state)

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
        """Tell what is switched now, unless it is of a view that has gone, or comes only when a broker is left."""
        before = self._resets
        self._switched[switched.view] = switched
        if self._resets != before:
            self.announce()
        self._put_switches(switched)

    def tell_model(self, state: ModelState) -> None:
        """Tell what becomes of an ordered model."""
        self._model_states[state.view] = state
        self._put_model_state(state)

    def announce(self) -> None:
        """Let Home Assistant show the camera as the settings say; clear where it was shown, and what is of no view."""
        topic = announcement_topic(self._settings)
        most, resets = self._delivery.largest(topic), self._resets
        shown = entities(self._settings, self._views, resets=resets)
        payload = announcement(self._settings, most, views=self._views, gone=self._gone(shown), resets=resets)
        wanted = [*([topic] if payload else []), *self._topics()]
        for other in self._announced.topics:
            if other not in wanted:
                self._retained.put(other, b"")
        self._announced.note(*wanted)
        if payload:
            self._retained.put(topic, payload)
            ids = {key: each["unique_id"] for key, each in shown.items() if len(each) > 1}
            self._announced.show({key: Shown(shown[key]["platform"], each) for key, each in ids.items()})

    def greet(self) -> None:
        """Announce to a Home Assistant that has just started, and have it drop what went while it did not run."""
        if self._settings.homeassistant.discovery and self._delivery.connected:
            gone = self._gone(entities(self._settings, self._views))
            for topic, payload in dismissals(self._settings, gone):
                self._delivery.publish(topic, payload)
            self._announced.forget_entities(gone)
        self.announce()

    def take_cleared(self, topic: str) -> None:
        """Take in that the broker keeps nothing on a topic any more."""
        self._announced.forget(topic)
        if topic == announcement_topic(self._settings):
            self._announced.forget_entities(self._announced.entities)

    @property
    def _resets(self) -> bool:
        """Whether the threshold that is told of the camera is null."""
        return any(not view and switched.threshold is None for view, switched in self._switched.items())

    def _gone(self, shown: Entities) -> dict[str, Shown]:
        """Return what is to be shown no more; of a view that is out nobody knows the labels."""
        out = [view.name for view in self._views if view.error is not None and not view.labels]
        return {
            key: each
            for key, each in self._announced.entities.items()
            if len(shown.get(key, ())) <= 1 and not any(is_label_of(view, key) for view in out)
        }

    def _topics(self) -> list[str]:
        """List what is kept only while there is a view, or while models may be ordered."""
        topics = []
        for view in self._views:
            names = ["state", "enabled/state", "threshold/state"] if view.name else []
            names += ["model/state"] if self._settings.rollout.public_key else []
            topics += [self._topic(name, view.name) for name in names]
        return topics

    def _put_state(self, view: str, state: StatePayload) -> None:
        self._retained.put(self._topic("state", view), msgspec.json.encode(state))

    def _put_switches(self, switched: Switched) -> None:
        if switched.view and switched.view not in {view.name for view in self._views}:
            return
        enabled, threshold = (self._topic(name, switched.view) for name in ("enabled/state", "threshold/state"))
        self._retained.put(enabled, b"ON" if switched.enabled else b"OFF")
        self._retained.put(threshold, msgspec.json.encode(switched.threshold))

    def _put_model_state(self, state: ModelState) -> None:
        topic = self._topic("model/state", state.view)
        if topic in self._topics():
            self._retained.put(topic, state.text.encode())

    def _topic(self, name: str, view: str = "") -> str:
        return Origin(self._settings.root, self._settings.camera.name, view).topic(name)

"""Posts events to a chat, as `POST /messages {"text": "..."}`."""

import logging
from typing import Annotated, Literal

from wasmill import BadConfig, Connection, Event, Notifier, Severity, config


@config
class ChatConfig:
    """Posts events of pipelines to a chat."""

    connection: Annotated[str, "The connection to the chat. The pipeline file says where it leads, and grants it."]
    lowest: Annotated[Literal["info", "warning", "error"], "Events that are less severe are not posted."] = "info"


class Chat(Notifier):
    config: ChatConfig

    # Called to check a pipeline too: it must not notify anybody.
    def bind(self) -> None:
        # What a JSON Schema cannot say, `bind` says, with the place in the configuration.
        if not self.config.connection:
            raise BadConfig("/connection", "is empty: name a connection of the pipeline")

    def notify(self, event: Event) -> None:
        if event.severity < Severity[self.config.lowest.upper()]:
            logging.debug("%s is not severe enough to be posted", event.kind)
            return
        text = f"[{event.severity}] {event.summary}"
        # An event may be delivered twice; the chat can tell by this key.
        headers = {"idempotency-key": event.dedup_key}
        # `successful` makes errors of statuses: 429 and 5xx are tried again later.
        Connection(self.config.connection).post("/messages", json={"text": text}, headers=headers).successful()

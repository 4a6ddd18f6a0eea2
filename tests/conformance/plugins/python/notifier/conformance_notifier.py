"""The notifier of the conformance suite: posts events as JSON."""

import json
import urllib.request
from typing import Literal

from wasmill import BadConfig, Event, Notifier, Severity, config


@config
class Config:
    connection: str = "server"
    lowest: Literal["info", "warning", "error"] = "info"


class Conformance(Notifier):
    config: Config

    def bind(self) -> None:
        if not self.config.connection:
            raise BadConfig("/connection", "is empty")

    def notify(self, event: Event) -> None:
        if event.severity < Severity[self.config.lowest.upper()]:
            return
        body = {
            "kind": event.kind, "severity": str(event.severity), "pipeline": event.pipeline, "run": event.run,
            "time_ms": event.time_ms, "summary": event.summary, "details": event.details,
        }
        headers = {"idempotency-key": event.dedup_key, "content-type": "application/json"}
        request = urllib.request.Request(f"http://{self.config.connection}/events", json.dumps(body).encode(), headers)
        # What is no success raises, and the SDK makes of it what it means: a 5xx is tried again, a 4xx is not.
        urllib.request.urlopen(request).close()

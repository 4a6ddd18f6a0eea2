"""HTTP over the connections that the operator granted.

`urllib.request` works: the URL is `http://CONNECTION/path?query` (or `https`), and CONNECTION names a connection of the pipeline file,
which knows the real address and adds the credentials. `Connection` says the same in fewer words:

    shop = Connection("shop")
    orders = shop.get("/orders?page=2", headers={"accept": "application/json"}).successful().json()

The project has to say `http = true`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import Fatal, Retryable

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Response:
    """A response, whatever its status."""

    status: int
    header_list: list[tuple[str, str]]
    """Names in lower case."""
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """The headers, the first of each name."""
        return dict(reversed(self.header_list))

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)

    def successful(self) -> Response:
        """The response itself when its status is 2xx. Otherwise raises: `Retryable` for 408, 429 and 5xx, after the time that
        `Retry-After` gives in seconds; else `Fatal`."""
        if 200 <= self.status < 300:
            return self
        raise failure_of(self.status, self.headers.get("retry-after"))


def failure_of(status: int, retry_after: str | None) -> Retryable | Fatal:
    """What an unsuccessful status means for a call."""
    message = f"the server answered {status}"
    if status in (408, 429) or status >= 500:
        seconds = (retry_after or "").strip()
        return Retryable(message, float(seconds) if seconds.isdecimal() else None)
    return Fatal(message)


def _not_there(connection: str, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> Response:
    raise Fatal("there is no HTTP here: the project has to say `http = true`, and the operator to grant a connection")


# What sends. Set by what connects the SDK to the host; tests can set their own.
send: Callable[[str, str, str, list[tuple[str, str]], bytes], Response] = _not_there


@dataclass(frozen=True)
class Connection:
    """A connection that the pipeline file declares and grants."""

    name: str

    def request(self, method: str, path: str, body: bytes | str | None = None, headers: Headers = (), json: Any = None) -> Response:
        """Sends a request and waits for the response. `path` is relative to the connection's base URL, such as `/orders?page=2`.

        Raises `Retryable` where the network is at fault, `Fatal` where the request is.
        """
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        if json is not None:
            body = _dumps(json)
            pairs.append(("content-type", "application/json"))
        if isinstance(body, str):
            body = body.encode()
        return send(self.name, method, path, pairs, body or b"")

    def get(self, path: str, headers: Headers = ()) -> Response:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, body: bytes | str | None = None, headers: Headers = (), json: Any = None) -> Response:
        return self.request("POST", path, body, headers, json)

    def put(self, path: str, body: bytes | str | None = None, headers: Headers = (), json: Any = None) -> Response:
        return self.request("PUT", path, body, headers, json)

    def delete(self, path: str, headers: Headers = ()) -> Response:
        return self.request("DELETE", path, headers=headers)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def install() -> None:
    """Makes `urllib.request.urlopen` send over connections."""
    import email.message
    import io
    import urllib.error
    import urllib.request
    import urllib.response

    # Where these go they would be refused or are the host's to decide.
    left_out = {"host", "connection", "user-agent", "content-length", "accept-encoding"}

    class ConnectionHandler(urllib.request.BaseHandler):
        def _open(self, request: urllib.request.Request):
            body = request.data or b""
            if hasattr(body, "read"):
                body = body.read()
            elif not isinstance(body, (bytes, bytearray, memoryview)):
                body = b"".join(body)
            headers = [(key.lower(), value) for key, value in request.header_items() if key.lower() not in left_out]
            try:
                response = send(request.host, request.get_method(), request.selector, headers, bytes(body))
            except Retryable as error:
                raise urllib.error.URLError(error) from error
            found = email.message.Message()
            for key, value in response.header_list:
                found[key] = value
            answer = urllib.response.addinfourl(io.BytesIO(response.body), found, request.full_url, response.status)
            answer.msg = ""
            return answer

        http_open = https_open = _open

    opener = urllib.request.OpenerDirector()
    for handler in (
        ConnectionHandler, urllib.request.HTTPDefaultErrorHandler, urllib.request.HTTPErrorProcessor,
        urllib.request.DataHandler, urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    urllib.request.install_opener(opener)

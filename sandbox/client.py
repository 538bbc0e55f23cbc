"""Client for the sandbox's control API: faults, scripted fans, and the record of requests."""

import json
from collections.abc import Mapping
from typing import Any

from foundation.errors import Unavailable
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ops.settings import load_settings

SECONDS = 10.0


def call_control(
    base_url: str, method: str, path: str, body: Mapping[str, object] | None = None
) -> Any:
    """Send a request to `/control/<path>` and return the response. Raises Unavailable if there is
    no response or it is an error.

    `base_url` is the address for browsers; in containers, another host listens for it.
    """
    inside_host = load_settings().sandbox.inside_host
    client = HttpClient(reach=lambda host, _: inside_host or host)
    try:
        headers = {"content-type": "application/json"}
        data = json.dumps(body).encode() if body is not None else b""
        answer = client.send(
            HttpRequest(method, f"{base_url}/control/{path}", headers, data, SECONDS)
        )
    finally:
        client.close()
    if not isinstance(answer, HttpResponse) or answer.status >= 300:
        raise Unavailable("day.sandbox_silent", address=base_url)
    return json.loads(answer.body)

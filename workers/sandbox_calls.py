"""Asking the sandbox of this installation something by its control side: faults, scripts of fans, what it took in."""

import json
from collections.abc import Mapping
from typing import Any

from foundation.errors import Unavailable
from foundation.http import HttpClient, Reply, Request

SECONDS = 10.0


def control(base_url: str, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
    """The answer to a request of `/control/<path>`. Raises Unavailable when there is none, or it is a refusal."""
    client = HttpClient()
    try:
        headers = {"content-type": "application/json"}
        data = json.dumps(body).encode() if body is not None else b""
        answer = client.exchange(Request(method, f"{base_url}/control/{path}", headers, data, SECONDS))
    finally:
        client.close()
    if not isinstance(answer, Reply) or answer.status >= 300:
        raise Unavailable("day.sandbox_silent", address=base_url)
    return json.loads(answer.body)

"""Vision models of an Ollama server. The engine checks whether a model accepts pictures, and
whether they are sent to a third party.

Both are in `/api/show`: `capabilities`, and `remote_host` for a model in the vendor's cloud
(https://docs.ollama.com/api#show-model-information, https://docs.ollama.com/cloud).
"""

import json
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from foundation.http import address_policy
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import EngineMissing, EngineUnreachable
from generators.engines.text.ollama import PROBE_SECONDS, OllamaEngine

VISION = "vision"


class OllamaVision(OllamaEngine):
    """A vision model of an Ollama server."""

    def __init__(self, url: str, model: str, *, hosted: bool) -> None:
        super().__init__(url, model)
        self.hosted = hosted


def load_engine(settings: GeneratorsSettings) -> OllamaVision | None:
    """Return the engine of the configured model, or None.

    Raises EngineMissing if the server does not have the model or the model does not accept
    pictures, and EngineUnreachable.
    """
    url = settings.ollama_url
    model = settings.ollama_vision_model
    if not url or not model:
        return None
    about = _fetch_model_info(url, model)
    able = about.get("capabilities")
    if not isinstance(able, list) or VISION not in able:
        raise EngineMissing("engine.seeing_blind", model=model)
    return OllamaVision(
        url, model, hosted=_is_remote_model(model, about) or not _is_local_server(url)
    )


def _fetch_model_info(url: str, model: str) -> Mapping[str, Any]:
    """Return the server's information about a model."""
    client = HttpClient(max_connections=1)
    body = json.dumps({"model": model}).encode()
    headers = {"content-type": "application/json"}
    try:
        reply = client.send(
            HttpRequest(
                "POST",
                url.rstrip("/") + "/api/show",
                headers=headers,
                body=body,
                deadline=PROBE_SECONDS,
            )
        )
    finally:
        client.close()
    if not isinstance(reply, HttpResponse):
        raise EngineUnreachable(
            "engine.unreachable",
            engine=OllamaEngine.name,
            setting="GREENROOM_GENERATORS__OLLAMA_URL",
        )
    if reply.status == 404:
        raise EngineMissing("engine.model_missing", engine=OllamaEngine.name, model=model)
    if reply.status != 200:
        raise EngineUnreachable(
            "engine.server_refused", engine=OllamaEngine.name, status=reply.status
        )
    found = reply.json_body()
    return found if isinstance(found, dict) else {}


def _is_remote_model(model: str, about: Mapping[str, Any]) -> bool:
    """Return True if the server forwards requests for this model to a third party, as indicated by
    its information or its name."""
    return bool(about.get("remote_host") or about.get("remote_model")) or model.endswith(
        ("-cloud", ":cloud")
    )


def _is_local_server(url: str) -> bool:
    """Return True if every address of the server's host name is private or local."""
    parts = urlsplit(url)
    try:
        found = socket.getaddrinfo(parts.hostname or "", parts.port or 80, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return bool(found) and not any(
        address_policy.is_public_address(str(info[4][0])) for info in found
    )

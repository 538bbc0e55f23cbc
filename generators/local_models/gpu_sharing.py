"""A card that several programs hold models on: before pictures are made or looked at, the others
are asked to let go.

Ollama unloads a model that is asked for nothing with `keep_alive` 0, as soon as nobody is being
answered: https://github.com/ollama/ollama/blob/main/docs/faq.md. ComfyUI drops what it loaded
after the prompt it works on (`POST /free`):
https://github.com/comfyanonymous/ComfyUI/blob/master/server.py. Both load it again when next
asked.
"""

import json
from collections.abc import Sequence
from typing import Any

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ops import telemetry
from foundation.ops.settings import GeneratorsSettings

log = telemetry.get_logger("generators.local_models.gpu_sharing")

DEADLINE = 5.0
"""Seconds; who does not answer is left as he is, and the picture is tried all the same."""

ON_THE_CARD = frozenset({"comfyui", "diffusion", "ollama"})


def free_gpu(settings: GeneratorsSettings, engine: str) -> None:
    """Have the others let go of the card, where the settings say that it is shared and `engine`
    works on it."""
    if not settings.card_shared or engine not in ON_THE_CARD:
        return
    http = HttpClient(max_connections=1)
    try:
        if settings.ollama_url and engine != "ollama":
            _unload_ollama_models(
                http,
                settings.ollama_url.rstrip("/"),
                (settings.ollama_model, settings.ollama_vision_model),
            )
        if settings.comfyui_url and engine != "comfyui":
            _post_json(
                http,
                settings.comfyui_url.rstrip("/") + "/free",
                {"unload_models": True, "free_memory": True},
            )
    finally:
        http.close()


def _unload_ollama_models(http: HttpClient, url: str, models: Sequence[str]) -> None:
    """Of Ollama's models ours alone, and only where it is loaded: others may be somebody else's."""
    reply = http.send(HttpRequest("GET", url + "/api/ps", deadline=DEADLINE))
    if not isinstance(reply, HttpResponse) or reply.status != 200:
        return
    try:
        names = {str(one.get("name")) for one in reply.json_body()["models"]}
    except (KeyError, TypeError, AttributeError):
        return
    for model in filter(None, models):
        if names & {model, f"{model}:latest"}:
            _post_json(
                http, url + "/api/generate", {"model": model, "keep_alive": 0, "stream": False}
            )


def _post_json(http: HttpClient, url: str, asked: dict[str, Any]) -> None:
    headers = {"content-type": "application/json"}
    reply = http.send(
        HttpRequest("POST", url, headers, json.dumps(asked).encode(), deadline=DEADLINE)
    )
    if not isinstance(reply, HttpResponse) or reply.status != 200:
        log.warning(
            "sharing.not_freed",
            answer=reply.status if isinstance(reply, HttpResponse) else type(reply).__name__,
        )

"""Sharing of a GPU by several programs: before a job, the other programs are requested to unload
their models.

Ollama unloads a model after a request with `keep_alive` 0, as soon as no response is in progress:
https://github.com/ollama/ollama/blob/main/docs/faq.md. ComfyUI unloads after its current prompt
(`POST /free`): https://github.com/comfyanonymous/ComfyUI/blob/master/server.py. Both load their
models again with the next request.
"""

import json
from collections.abc import Sequence
from typing import Any

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ops import telemetry
from foundation.ops.settings import GeneratorsSettings

log = telemetry.get_logger("generators.local_models.gpu_sharing")

DEADLINE = 5.0
"""Timeout in seconds; without a response the job runs anyway."""

ON_THE_CARD = frozenset({"comfyui", "diffusion", "ollama"})


def free_gpu(settings: GeneratorsSettings, engine: str) -> None:
    """Request that other programs unload their models, if the settings mark the GPU as shared and
    `engine` uses it."""
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
    """Unload only our configured models, and only if they are loaded, because other models may
    belong to another program."""
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

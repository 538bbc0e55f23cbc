"""Texts from an Ollama server, through LangChain's client.

The server silently truncates a prompt that exceeds its context, so the context size is always sent
and the tokens are counted beforehand. The schema of a JSON answer is sent in `format`; the answer
is validated nevertheless.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import httpx

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import (
    EngineMissing,
    EngineUnreachable,
    GeneratedText,
    OriginLabel,
    RequestNotReceived,
    TextEngine,
    TextJob,
)
from generators.engines.text import langchain
from generators.text.model_calls import ModelProfile, RawAnswer, ask_model

CONTEXT = 4096
"""Context size in tokens for prompt and answer. All jobs use the same value, because a different
one makes the server reload the model."""
PROBE_SECONDS = 2.0
ANSWER_SECONDS = 90.0
KEEP_LOADED = "10m"


def load_engine(
    settings: GeneratorsSettings, _start: Callable[[], None] | None = None
) -> TextEngine | None:
    """Return the engine if the server responds within two seconds and has the model, else None."""
    if not settings.ollama_url or settings.ollama_model not in list_server_models(
        settings.ollama_url
    ):
        return None
    return OllamaEngine(settings.ollama_url, settings.ollama_model)


def list_server_models(url: str) -> frozenset[str]:
    """Return the names of the server's models, with and without `:latest`; empty if it does not
    respond in time."""
    client = HttpClient(max_connections=1)
    try:
        reply = client.send(
            HttpRequest("GET", url.rstrip("/") + "/api/tags", deadline=PROBE_SECONDS)
        )
    finally:
        client.close()
    if not isinstance(reply, HttpResponse) or reply.status != 200:
        return frozenset()
    try:
        names = {str(entry["name"]) for entry in reply.json_body()["models"]}
    except (KeyError, TypeError):
        return frozenset()
    return frozenset(names | {name.removesuffix(":latest") for name in names})


class OllamaEngine:
    """A model of an Ollama server."""

    name = "ollama"
    languages = frozenset({"fr", "en"})
    converses = True

    def __init__(self, url: str, model: str, *, seconds: float = ANSWER_SECONDS) -> None:
        self._url = url
        self._seconds = seconds
        self.model = model

    @cached_property
    def _chat(self) -> Any:
        """LangChain's client. It has no persistent connections, because a stale connection looks
        like a lost response."""
        return langchain.load_attribute("langchain_ollama", "ChatOllama")(
            model=self.model,
            base_url=self._url,
            keep_alive=KEEP_LOADED,
            reasoning=False,
            client_kwargs={"timeout": self._seconds, **langchain.HTTP_CLIENT_OPTIONS},
        )

    def write(self, job: TextJob) -> GeneratedText:
        """Generate the text. Raises EngineMissing (no such model), EngineUnreachable (down, slow),
        and the errors of `ask_model`."""
        return ask_model(
            job, self._call_model, ModelProfile(self.name, self.model, OriginLabel.NONE, CONTEXT)
        )

    def _call_model(self, job: TextJob) -> RawAnswer:
        options = {
            "num_ctx": CONTEXT,
            "num_predict": job.max_tokens,
            "temperature": job.temperature,
            "seed": job.seed % 2**31,
        }
        shape = {"format": dict(job.schema)} if job.schema is not None else {}
        try:
            return langchain.invoke_chat_model(
                self._chat.bind(options=options, **shape),
                job,
                engine=self.name,
                reason="done_reason",
            )
        except (httpx.HTTPError, ConnectionError) as error:
            kind = RequestNotReceived if _is_connection_failure(error) else EngineUnreachable
            raise kind(
                "engine.unreachable", engine=self.name, setting="GREENROOM_GENERATORS__OLLAMA_URL"
            ) from error
        except langchain.load_attribute("ollama", "ResponseError") as error:
            raise self._refusal_error(error) from error

    def _refusal_error(self, error: Any) -> EngineMissing | EngineUnreachable:
        if error.status_code == 404:
            return EngineMissing("engine.model_missing", engine=self.name, model=self.model)
        kind = RequestNotReceived if 400 <= error.status_code < 500 else EngineUnreachable
        return kind("engine.server_refused", engine=self.name, status=int(error.status_code))


def _is_connection_failure(error: Exception) -> bool:
    """Return True if no connection was made; the client raises either a ConnectionError or an httpx
    error."""
    return type(error) is ConnectionError or isinstance(
        error, httpx.ConnectError | httpx.ConnectTimeout
    )

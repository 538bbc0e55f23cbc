"""The embedded model in its process: real file, real llama.cpp, real port."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from foundation.ops import clock
from foundation.ops import settings as house
from foundation.ops.settings import GeneratorsSettings, Settings, WorkersSettings
from generators.contract.engines import EngineMissing, OriginLabel, PromptMessage
from generators.engines.text.embedded import EmbeddedEngine
from tests.conftest import free_port
from tests.generators.builders import SCHEMA, a_text_job
from workers.processes import text_server

ROOT = Path(__file__).parents[4]


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of an installation with a free port, which child processes read."""
    port = free_port()
    monkeypatch.setenv("GREENROOM_HOME", str(tmp_path))
    monkeypatch.setenv("GREENROOM_WORKERS__LLM_PORT", str(port))
    generators = GeneratorsSettings(llm_url=f"http://127.0.0.1:{port}")
    return Settings(home=tmp_path, generators=generators, workers=WorkersSettings(llm_port=port))


@pytest.fixture
def held_port(at_home: Settings) -> Iterator[tuple[Settings, "subprocess.Popen[bytes]"]]:
    """The process as the supervisor starts it, with its listening socket open already."""
    front = socket.create_server(("127.0.0.1", at_home.workers.llm_port))
    with front:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "workers.run",
                "llm",
                "workers.processes.text_server:run_text_server",
                "--door",
                str(front.fileno()),
            ],
            env=house.child_environment(at_home.home, code=ROOT),
            pass_fds=(front.fileno(),),
        )
        yield at_home, process
        process.terminate()
        assert process.wait(60) == 0


@pytest.mark.slow
def test_first_caller_waits_for_start_and_gets_schema_json(
    held_port: tuple[Settings, "subprocess.Popen[bytes]"],
) -> None:
    settings, _ = held_port
    engine = EmbeddedEngine(settings.generators.llm_url, "smollm2", None)
    written = engine.write(
        a_text_job(
            schema=SCHEMA, max_tokens=80, turns=(PromptMessage("user", "One line about the sea."),)
        )
    )
    assert written.answer["text"]
    assert (written.engine, written.label) == ("embedded", OriginLabel.DEMO)
    assert written.tokens_out > 0
    again = engine.write(
        a_text_job(
            schema=SCHEMA, max_tokens=80, turns=(PromptMessage("user", "One line about the sea."),)
        )
    )
    assert again.answer == written.answer


@pytest.mark.slow
def test_first_text_starts_the_server_without_a_supervisor(at_home: Settings) -> None:
    engine = EmbeddedEngine(
        at_home.generators.llm_url, "smollm2", text_server.text_server_starter(at_home)
    )
    assert engine.write(a_text_job(max_tokens=12)).text
    log = at_home.home / "logs" / "llm.log"
    text_server.ensure_text_server(at_home)  # the server runs: no second one is started
    assert "One line" not in log.read_text()
    end(at_home)


def end(settings: Settings) -> None:
    """End the unsupervised process that serves the port."""
    import psutil

    for connection in psutil.net_connections("tcp"):
        if (
            connection.status == "LISTEN"
            and getattr(connection.laddr, "port", 0) == settings.workers.llm_port
            and connection.pid
        ):
            os.kill(connection.pid, signal.SIGTERM)


def test_idle_server_ends(at_home: Settings) -> None:
    front = socket.create_server(("127.0.0.1", 0))
    before = clock.monotonic()
    with front:
        text_server.IdleProxy(front, ("127.0.0.1", 9), idle_seconds=0.2).run()
    assert clock.monotonic() - before < 5


def test_caller_is_disconnected_if_no_server_is_behind_the_proxy(at_home: Settings) -> None:
    front = socket.create_server(("127.0.0.1", 0))
    with front, closing(socket.create_connection(front.getsockname())) as caller:
        text_server.IdleProxy(front, ("127.0.0.1", 9), idle_seconds=0.2).run()
        assert caller.recv(10) == b""


def test_missing_model_file_is_reported(at_home: Settings) -> None:
    settings = at_home.model_copy(
        update={"generators": GeneratorsSettings(embedded_gguf="/nowhere/x.gguf")}
    )
    with pytest.raises(EngineMissing):
        text_server.ensure_text_server(settings)

"""Overhead of the text engine: tokens a second through the engine compared with llama.cpp's own
server.

Both run the same file with the same prompts and seeds, alternating, each in its own process.
Greenroom's side is the path of captions: LangChain, the proxy of the process `text_server`, and
checks of the response. The bare side is a script that calls the server.
"""

import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx

from foundation.errors import Unavailable
from foundation.ops.clock import monotonic, sleep
from foundation.ops.settings import Settings, child_environment
from generators.contract.engines import PromptMessage, TextJob
from generators.engines.text.embedded import EmbeddedEngine
from workers.installation import ports
from workers.processes import text_server
from workers.runtime.embedded_servers import spawn_process

CODE = Path(__file__).resolve().parents[1]
ROUNDS = 20
MAX_TOKENS = 128
ADDRESS = "bare.url"
SYSTEM = "You write short captions for pictures."
QUESTION = "Three sentences about a beach at noon, a harbour at night and a street in the rain."


def measure_texts() -> dict[str, float]:
    """Return tokens a second (medians) of both sides and their ratio. Raises Unavailable if a
    server does not become ready."""
    with tempfile.TemporaryDirectory() as folder:
        return measure_rounds(Path(folder), ROUNDS)


def measure_rounds(home: Path, rounds: int) -> dict[str, float]:
    """Return the figures of this number of rounds, in a temporary installation."""
    port = ports.find_free_port()
    url = f"http://127.0.0.1:{port}"
    with (
        _run_process("llm", "workers.processes.text_server:run_text_server", home, port),
        _run_process("bare", "benchmarks.text_overhead:run_bare_server", home, port),
        httpx.Client(base_url=_bare_url(home), timeout=120, trust_env=False) as client,
    ):
        _wait_until_ready(lambda: text_server.is_model_loaded(url))
        engine = EmbeddedEngine(url, "bench", None)
        _through_us(engine, 0), _time_bare_request(client, 0)
        ours = []
        bare_ones = []
        # alternating, so that other load on the machine affects both
        for seed in range(1, rounds + 1):
            ours.append(_through_us(engine, seed))
            bare_ones.append(_time_bare_request(client, seed))
    return {
        "text_tokens_per_s": median(ours),
        "bare_tokens_per_s": median(bare_ones),
        "text_ratio": median(one / other for one, other in zip(ours, bare_ones, strict=True)),
    }


def run_bare_server(settings: Settings) -> None:
    """Serve the model with llama.cpp's server alone until SIGTERM; its address is written to the
    installation's folder."""
    server = text_server.start_llama_server(settings)
    whole = settings.home / f"{ADDRESS}.part"
    whole.write_text(str(server.listening_address))
    whole.rename(settings.home / ADDRESS)
    signal.pause()


def _through_us(engine: EmbeddedEngine, seed: int) -> float:
    job = TextJob(
        SYSTEM, (PromptMessage("user", QUESTION),), seed, language="en", max_tokens=MAX_TOKENS
    )
    began = monotonic()
    return engine.write(job).tokens_out / (monotonic() - began)


def _time_bare_request(client: httpx.Client, seed: int) -> float:
    asked = {
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}],
        "temperature": 0.8,
        "seed": seed,
        "max_tokens": MAX_TOKENS,
    }
    began = monotonic()
    told = client.post("/v1/chat/completions", json=asked).raise_for_status().json()
    return int(told["usage"]["completion_tokens"]) / (monotonic() - began)


@contextmanager
def running_text_server(home: Path) -> Iterator[str]:
    """Run the process `llm` with the bundled model and yield its URL. Raises Unavailable if it does
    not become ready."""
    port = ports.find_free_port()
    url = f"http://127.0.0.1:{port}"
    with _run_process("llm", "workers.processes.text_server:run_text_server", home, port):
        _wait_until_ready(lambda: text_server.is_model_loaded(url))
        yield url


@contextmanager
def _run_process(name: str, main: str, home: Path, port: int) -> Iterator[None]:
    environment = child_environment(home, code=CODE) | {"GREENROOM_WORKERS__LLM_PORT": str(port)}
    process = spawn_process(
        [sys.executable, "-m", "workers.run", name, main],
        home / f"{name}.log",
        environment=environment,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _bare_url(home: Path) -> str:
    _wait_until_ready((home / ADDRESS).exists)
    return (home / ADDRESS).read_text()


def _wait_until_ready(ready: Callable[[], bool]) -> None:
    until = monotonic() + text_server.READY_SECONDS
    while not ready():
        if monotonic() > until:
            raise Unavailable("engine.not_ready", engine="llama.cpp", log="-")
        sleep(0.1)

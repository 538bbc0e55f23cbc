"""A stateful ComfyUI server over HTTP: queue, history, pictures and injected faults.

It reproduces behaviour of the real server that clients often get wrong: queue and history are in
memory and lost at a restart; a prompt ID must be a canonical UUID, but need not be unique; older
builds ignore it and generate theirs; `/history/{id}` is `{}` while a picture waits, and "error"
after an interruption; links to missing nodes, missing model files and pictures not uploaded with
`/upload/image` are rejected with `node_errors`.
"""

import io
import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

from PIL import Image

LOADERS = ("LoadImage", "LoadImageMask")
MODELS = ("dream.safetensors", "look.safetensors")


@dataclass(frozen=True)
class Fault:
    """A fault of a request: a status, no response, a reset after it was accepted, a response that
    is not JSON, or `body`."""

    status: int = 0
    body: str = ""
    hang: bool = False
    reset_after: bool = False
    broken: bool = False


@dataclass
class FakeComfy:
    """The server's state. Tests set `faults`, `steps` and `ends`, and inspect `made`, `sent` and
    `stopped`."""

    mints: bool = False
    """True for an older build, which ignores the client's ID."""
    steps: int = 2
    """Number of polls until the first picture of the queue is complete."""
    ends: str = ""
    """Result of executions instead of a picture."""
    ends_next: str = ""
    """The same for the next execution only."""
    keeps_going: bool = True
    pending: deque[list[Any]] = field(default_factory=deque)
    running: list[list[Any]] = field(default_factory=list)
    history: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    inputs: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, deque[Fault]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    freed: list[dict[str, bool]] = field(default_factory=list)
    looks: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def fail(self, path: str, *faults: Fault) -> None:
        """Queue faults for the next requests to `path`, one each."""
        self.faults.setdefault(path, deque()).extend(faults)

    def restart(self) -> None:
        """Discard what the real server loses at a restart. Completed files remain on disk."""
        with self.lock:
            self.pending.clear()
            self.running.clear()
            self.history.clear()

    def wrong(self, graph: dict[str, Any]) -> dict[str, Any]:
        """Return the errors of a graph by node."""
        errors: dict[str, Any] = {}
        for node, told in graph.items():
            for name, value in told["inputs"].items():
                linked = isinstance(value, list) and len(value) == 2 and str(value[0]) not in graph
                missing = name in {"ckpt_name", "lora_name"} and value not in MODELS
                loads = (
                    told["class_type"] in LOADERS and name == "image" and value not in self.inputs
                )
                if linked or missing or loads:
                    errors[node] = {
                        "class_type": told["class_type"],
                        "errors": [{"type": "value_not_in_list"}],
                    }
        return errors

    def take(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Handle `POST /prompt`."""
        graph, key = asked["prompt"], asked.get("prompt_id")
        if key is not None and not self.mints and str(UUID(key)) != key:
            return 400, {"error": {"type": "invalid_prompt_id"}, "node_errors": {}}
        if errors := self.wrong(graph):
            return 400, {
                "error": {"type": "prompt_outputs_failed_validation"},
                "node_errors": errors,
            }
        native = str(uuid4()) if self.mints or key is None else key
        self.sent.append(native)
        self.pending.append([len(self.sent), native, graph, asked.get("extra_data") or {}, []])
        return 200, {"prompt_id": native, "number": len(self.sent), "node_errors": {}}

    def work(self) -> None:
        """Advance the work by one step. Each poll of the server calls it."""
        if not self.keeps_going:
            return
        if not self.running and self.pending:
            self.running.append(self.pending.popleft())
            self.looks = 0
        elif self.running:
            self.looks += 1
            if self.looks >= self.steps:
                self._finish(self.running.pop())

    def interrupt(self, entry: list[Any]) -> None:
        """Record an interrupted picture in the history."""
        status = {
            "status_str": "error",
            "completed": False,
            "messages": [["execution_interrupted", {}]],
        }
        self.history[entry[1]] = {"prompt": entry, "outputs": {}, "status": status}

    def _finish(self, entry: list[Any]) -> None:
        native, graph = entry[1], entry[2]
        told: dict[str, Any] = {
            "prompt": entry,
            "outputs": {},
            "status": {"status_str": "success", "completed": True},
        }
        if ends := self.ends_next or self.ends:
            self.ends_next = ""
            messages = [["execution_error", {"node_type": "KSampler", "exception_message": ends}]]
            told["status"] = {"status_str": "error", "completed": False, "messages": messages}
        else:
            self.made.append(native)
            name = f"greenroom_{len(self.made):05}_.png"
            self.files[name] = _picture(graph)
            for node, one in graph.items():
                if one["class_type"] == "SaveImage":
                    told["outputs"][node] = {
                        "images": [{"filename": name, "subfolder": "", "type": "output"}]
                    }
        self.history[native] = told


def _picture(graph: dict[str, Any]) -> bytes:
    """Return a plain picture that depends on the whole graph, with the size of its latent."""
    sizes = (one["inputs"] for one in graph.values() if one["class_type"] == "EmptyLatentImage")
    latent = next(sizes, {"width": 64, "height": 64})
    digest = sha256(json.dumps(graph, sort_keys=True).encode()).digest()
    out = io.BytesIO()
    Image.new("RGB", (latent["width"], latent["height"]), tuple(digest[:3])).save(out, "PNG")
    return out.getvalue()


def form(kind: str, data: bytes) -> dict[str, tuple[str, bytes]]:
    """Return the fields of a multipart form: file name and content."""
    whole = BytesParser(policy=HTTP).parsebytes(
        b"content-type: " + kind.encode() + b"\r\n\r\n" + data
    )
    return {
        str(part.get_param("name", header="content-disposition")): (
            part.get_filename() or "",
            part.get_payload(decode=True),
        )
        for part in whole.iter_parts()
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FakeComfy

    def log_message(self, format: str, *args: Any) -> None:
        """Suppress logging; tests inspect the state instead."""

    def do_GET(self) -> None:
        if self._faulty():
            return
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        with self.state.lock:
            if path == "/view":
                self._file(query.get("filename", [""])[0])
                return
            self.state.work()
            if path == "/queue":
                told: Any = {
                    "queue_running": list(self.state.running),
                    "queue_pending": list(self.state.pending),
                }
            elif path == "/history":
                told = dict(
                    list(self.state.history.items())[-int(query.get("max_items", ["200"])[0]) :]
                )
            elif path.startswith("/history/"):
                key = path.removeprefix("/history/")
                told = {key: self.state.history[key]} if key in self.state.history else {}
            else:
                self._json(404, {})
                return
        self._json(200, told)

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        asked = (
            form(self.headers["Content-Type"], data)
            if self.path == "/upload/image"
            else json.loads(data)
        )
        if self._faulty(before=True):
            return
        with self.state.lock:
            status, told = self._done(asked)
        if not self._faulty():
            self._json(status, told)

    def _done(self, asked: dict[str, Any]) -> tuple[int, Any]:
        if self.path == "/prompt":
            return self.state.take(asked)
        if self.path == "/queue":
            for native in asked.get("delete", ()):
                self.state.pending = deque(one for one in self.state.pending if one[1] != native)
                self.state.stopped.append(native)
            return 200, {}
        if self.path == "/interrupt":
            for one in self.state.running:
                self.state.stopped.append(one[1])
                self.state.interrupt(one)
            self.state.running.clear()
            return 200, {}
        if self.path == "/upload/image":
            name, told = (
                asked["image"],
                {one: str(asked[one][1], "utf-8") for one in ("type", "subfolder", "overwrite")},
            )
            if told["type"] != "input" or told["overwrite"] != "true":
                return 400, {}
            self.state.inputs[f"{told['subfolder']}/{name[0]}"] = name[1]
            return 200, {"name": name[0], "subfolder": told["subfolder"], "type": "input"}
        if self.path == "/free":
            self.state.freed.append(asked)
            return 200, {}
        if self.path == "/history":
            for native in asked.get("delete", ()):
                self.state.history.pop(native, None)
            return 200, {}
        return 404, {}

    def _faulty(self, *, before: bool = False) -> bool:
        """Return True if a fault handled this request. A fault after acceptance applies once the
        request was processed."""
        waiting = self.state.faults.get(urlsplit(self.path).path)
        if not waiting or (before and waiting[0].reset_after):
            return False
        fault = waiting.popleft()
        if fault.hang:
            self.state.release.wait(30)
        elif fault.broken:
            self._raw(200, b"{", "application/json")
        elif fault.status:
            self._raw(fault.status, fault.body.encode() or b'{"error": "busy"}', "application/json")
        self.close_connection = True
        return True

    def _file(self, name: str) -> None:
        found = self.state.files.get(name)
        self._json(404, {}) if found is None else self._raw(200, found, "image/png")

    def _json(self, status: int, told: Any) -> None:
        self._raw(status, json.dumps(told).encode(), "application/json")

    def _raw(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serving() -> Iterator[FakeComfy]:
    """Run the fake."""
    state = FakeComfy()
    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        state.release.set()
        server.shutdown()
        server.server_close()


def workflow(**changes: Any) -> dict[str, Any]:
    """Return a workflow as ComfyUI exports it: text to image with a checkpoint and an adapter."""
    graph: dict[str, Any] = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": MODELS[0]}},
        "2": {
            "class_type": "LoraLoader",
            "inputs": {"lora_name": MODELS[1], "strength_model": 0.8, "model": ["1", 0]},
        },
        "3": _titled("Prompt", "CLIPTextEncode", {"text": "", "clip": ["2", 1]}),
        "4": _titled("negative", "CLIPTextEncode", {"text": "", "clip": ["2", 1]}),
        "5": _titled("Size", "EmptyLatentImage", {"width": 512, "height": 512, "batch_size": 1}),
        "6": _titled(
            "SEED",
            "KSampler",
            {"seed": 0, "steps": 20, "cfg": 7.0, "model": ["2", 0], "latent": ["5", 0]},
        ),
        "7": {
            "class_type": "SaveImage",
            "inputs": {"images": ["6", 0], "filename_prefix": "greenroom"},
        },
    }
    return {**graph, **changes}


def loading(*titles: str) -> dict[str, Any]:
    """Return a workflow that also loads pictures, one for each title. A mask is loaded as a mask."""
    kinds = {"mask": "LoadImageMask"}
    nodes = {
        f"2{n}": _titled(title, kinds.get(title, "LoadImage"), {"image": "example.png"})
        for n, title in enumerate(titles)
    }
    weights = {
        "30": _titled("look weight", "IPAdapter", {"weight": 1.0}),
        "31": _titled("pose weight", "ControlNetApply", {"strength": 1.0}),
    }
    return workflow(**nodes, **weights)


def _titled(title: str, kind: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs, "_meta": {"title": title}}

"""A house as a newcomer has it: `greenroom up`, the demo in it, and the commands beside it. Nothing
is looked inside of but its database, by what the rooms say.
"""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode
from uuid import UUID

from channels.accounts import queries as channel_reads
from demo.agency.cast import LUMIERE
from foundation.db.database import Scope
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ops import settings as house_settings
from foundation.ops.settings import Settings
from subscribers.ledger import entries
from tenants.agencies import queries as tenant_reads
from tenants.agencies.queries import Creator
from tests.architecture.tree import ROOT
from tests.conftest import wait_until
from tests.stack.conftest import assign_free_ports
from workers.installation.folder import InstallationFolder
from workers.installation.state_file import read_status
from workers.wiring import Services, build_services

T = TypeVar("T")

START_SECONDS = 240.0
COMMAND_SECONDS = 240.0
GREENROOM = Path(sys.executable).with_name("greenroom")
ACTOR = "system:test"
MADE = (
    "posts",
    "deliveries",
    "approvals",
    "assets",
    "renditions",
    "creations",
    "recipes",
    "jobs",
    "packs",
    "pack_items",
    "prices",
    "personas",
)
"""Tables of what a day makes."""


@dataclass(frozen=True)
class CommandResult:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines that begin with a time."""
        return [line for line in self.out.splitlines() if line[2:3] == ":"]

    def about(self, subject: str) -> list[str]:
        """What those lines say that are about one thing."""
        return [line[21:] for line in self.lines if line[10:20].strip() == subject]


@dataclass
class Installation:
    """A running house with its demo."""

    home: InstallationFolder
    process: "subprocess.Popen[bytes]"
    settings: Settings
    services: Services
    stack: ExitStack
    http: HttpClient = field(default_factory=HttpClient)

    # its commands

    def variables(self, language: str = "en") -> dict[str, str]:
        """The environment of a person at a terminal."""
        return build_environment(self.home, language)

    def run(self, *words: str, language: str = "en", **more: str) -> CommandResult:
        """A command, as a person types it."""
        done = subprocess.run(
            [str(GREENROOM), *words],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**self.variables(language), **more},
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return CommandResult(done.returncode, done.stdout, done.stderr)

    def interrupted(self, at: str, *words: str) -> CommandResult:
        """A command that somebody stops with Ctrl-C as soon as a line holds `at`.

        Tests that run in the background of a shell pass on that Ctrl-C is ignored: the command
        begins as in a terminal.
        """
        process = subprocess.Popen(
            ["env", "--default-signal=INT", str(GREENROOM), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self.variables(),
        )
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if at in line:
                process.send_signal(signal.SIGINT)
                break
        out, err = process.communicate(timeout=60)
        return CommandResult(process.returncode, "".join(said) + out, err)

    # its database

    @contextmanager
    def scope(self, tenant_id: UUID = LUMIERE.tenant_id) -> Iterator[Scope]:
        """A transaction of the demo's agency."""
        with self.services.tenant(tenant_id, ACTOR) as scope:
            yield scope

    def read(self, ask: Callable[[Scope], T]) -> T:
        """What `ask` says in a scope of the agency."""
        with self.scope() as scope:
            return ask(scope)

    def creator(self, slug: str) -> Creator:
        """A creator of the demo."""
        return self.read(lambda scope: tenant_reads.get_creator(scope, slug))

    def made(self) -> Mapping[str, int]:
        """How many rows there are of everything a day makes."""
        with self.scope() as scope:
            return {
                table: scope.run(
                    f"SELECT count(*) FROM {table} WHERE tenant_id = :tenant",
                    tenant=scope.tenant_id,
                ).scalar_one()
                for table in MADE
            }

    def destinations(self, slug: str, day: str) -> Mapping[str, Mapping[str, str]]:
        """Where the posts of a day's brief went: native ID and text, by account."""
        creator = self.creator(slug)
        with self.scope() as scope:
            rows = scope.run(
                "SELECT d.channel_id, d.native_id, d.state, p.body FROM deliveries d JOIN posts p"
                " ON p.tenant_id = d.tenant_id AND p.id = d.post_id WHERE d.tenant_id = :tenant"
                " AND p.origin = 'brief' AND p.origin_key LIKE :key ORDER BY d.due_at",
                tenant=scope.tenant_id,
                key=f"{creator.id}:{day}:%",
            ).all()
            found: dict[str, dict[str, str]] = {}
            for row in rows:
                account = channel_reads.get_channel(scope, row.channel_id).account
                found.setdefault(account, {})[row.native_id or row.state] = row.body
        return found

    # its sandbox and its pages

    @property
    def sandbox(self) -> str:
        """Where the sandbox is."""
        return f"http://127.0.0.1:{self.settings.sandbox.port}"

    @property
    def web(self) -> str:
        """Where the creators' pages are."""
        return f"http://127.0.0.1:{self.settings.web.port}"

    def get(self, url: str, **headers: str) -> HttpResponse:
        """A page as a browser gets it."""
        reply = self.http.send(HttpRequest("GET", url, headers, b"", 20.0))
        assert isinstance(reply, HttpResponse), reply
        return reply

    def ask(self, method: str, path: str, body: object = None, *, token: str = "") -> Any:
        """The sandbox's answer to a request of its API or its control side."""
        headers = {"content-type": "application/json"} | (
            {"authorization": f"Bearer {token}"} if token else {}
        )
        data = b"" if body is None else json.dumps(body).encode()
        reply = self.http.send(HttpRequest(method, self.sandbox + path, headers, data, 20.0))
        assert isinstance(reply, HttpResponse), reply
        assert reply.status < 300, (reply.status, reply.body)
        return json.loads(reply.body)

    def truth(self, account: str) -> Any:
        """Everything an account took in."""
        return self.ask("GET", f"/control/truth/{quote(account, safe='')}")

    def texts(self, account: str) -> Counter[str]:
        """How often each text stands on an account's timeline."""
        return Counter(
            post["text"] for post in self.truth(account)["posts"] if not post["deleted_at"]
        )

    def till(self, account: str) -> int:
        """What an account's till holds, by the sandbox's own books."""
        token = self.ask("POST", "/control/accounts", {"account": account})["token"]
        return int(
            self.ask("GET", f"/api/{quote(account, safe='')}/transactions", token=token)["balance"]
        )

    def booked(self, account: str) -> int:
        """What our ledger says that lies in that till."""
        where = entries.rail_ledger_account("sandbox", account)
        return self.read(lambda scope: entries.account_balance(scope, where).get("XTS", 0))

    def stop(self) -> str:
        """Ctrl-C; returns all it said."""
        self.stack.close()
        self.http.close()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(30)
        return self.home.log_file("up").read_text("utf-8", "replace")


@dataclass
class ChatVisitor:
    """Somebody at the chat window of the sandbox."""

    house: Installation
    account: str
    name: str
    language: str = "en"

    def act(self, **form: str) -> None:
        """Send a form of the page, as the browser does."""
        body = urlencode({"fan": self.name, **form}).encode()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "accept-language": self.language,
        }
        url = f"{self.house.sandbox}/c/{quote(self.account, safe='')}/act"
        reply = self.house.http.send(HttpRequest("POST", url, headers, body, 20.0))
        assert isinstance(reply, HttpResponse), reply
        assert reply.status == 303, (reply.status, reply.body[:500])

    def write(self, text: str) -> None:
        """Type and send."""
        self.act(type="message", text=text)

    def seen(self) -> list[dict[str, Any]]:
        """What stands in the window from the creator's side, oldest first."""
        messages = self.house.truth(self.account)["messages"]
        return [one for one in messages if one["fan"] == self.name and one["author"] == "creator"]

    def texts(self) -> list[str]:
        """The texts of those."""
        return [one["text"] for one in self.seen()]

    def waits(
        self, for_what: Callable[[dict[str, Any]], bool], seconds: float = 45.0
    ) -> dict[str, Any]:
        """The first message of that kind, as soon as it comes."""
        wait_until(lambda: any(map(for_what, self.seen())), seconds)
        return next(one for one in self.seen() if for_what(one))

    def page(self) -> str:
        """The window itself."""
        url = (
            f"{self.house.sandbox}/c/{quote(self.account, safe='')}?{urlencode({'fan': self.name})}"
        )
        return self.house.get(url, **{"accept-language": self.language}).body.decode()


def build_environment(home: InstallationFolder, language: str = "en") -> dict[str, str]:
    """The environment of a person whose installation lies in `home`; no model is near."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GREENROOM_", "LC_", "LANG"))
    }
    own = {
        "GREENROOM_HOME": str(home.folder),
        "GREENROOM_GENERATORS__OLLAMA_URL": "http://127.0.0.1:9",
        "LANG": "fr_FR.UTF-8" if language == "fr" else "en_GB.UTF-8",
        "PYTHONIOENCODING": "utf-8",
    }
    return {**kept, **own}


def start_installation(folder: Path) -> Installation:
    """`greenroom up` in an empty folder; returns when everything is ready."""
    home = assign_free_ports(folder)
    (folder / "logs").mkdir(exist_ok=True)
    with home.log_file("up").open("wb") as log:
        process = subprocess.Popen(
            [str(GREENROOM), "up", "--no-browser"],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=build_environment(home),
            start_new_session=True,
        )

    def ready() -> bool:
        said = home.log_file("up").read_text("utf-8", "replace")
        assert process.poll() is None, said
        return read_status(home).is_ready

    try:
        wait_until(ready, START_SECONDS)
        settings = house_settings.load_settings_of(folder)
        stack = ExitStack()
        services = stack.enter_context(build_services(settings, pool_size=2, application="journey"))
    except BaseException:
        process.kill()
        raise
    return Installation(home, process, settings, services, stack)

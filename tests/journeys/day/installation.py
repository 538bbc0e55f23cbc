"""An installation as a new user has it: `greenroom up`, the demo and the commands. Tests read only
its output, its sandbox and its database through the packages' functions."""

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
"""Tables that a day fills."""


@dataclass(frozen=True)
class CommandResult:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Return the lines that begin with a time."""
        return [line for line in self.out.splitlines() if line[2:3] == ":"]

    def about(self, subject: str) -> list[str]:
        """Return the text of those lines about one subject."""
        return [line[21:] for line in self.lines if line[10:20].strip() == subject]


@dataclass
class Installation:
    """A running installation with its demo."""

    home: InstallationFolder
    process: "subprocess.Popen[bytes]"
    settings: Settings
    services: Services
    stack: ExitStack
    http: HttpClient = field(default_factory=HttpClient)

    # commands

    def variables(self, language: str = "en") -> dict[str, str]:
        """Return the environment of a user's terminal."""
        return build_environment(self.home, language)

    def run(self, *words: str, language: str = "en", **more: str) -> CommandResult:
        """Run a command as a user does."""
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
        """Run a command and interrupt it with Ctrl-C as soon as a line contains `at`.

        Tests in the background of a shell inherit that SIGINT is ignored; the command starts with
        the default of a terminal.
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

    # database

    @contextmanager
    def scope(self, tenant_id: UUID = LUMIERE.tenant_id) -> Iterator[Scope]:
        """Open a transaction of the demo's agency."""
        with self.services.tenant(tenant_id, ACTOR) as scope:
            yield scope

    def read(self, ask: Callable[[Scope], T]) -> T:
        """Return the result of `ask` in a scope of the agency."""
        with self.scope() as scope:
            return ask(scope)

    def creator(self, slug: str) -> Creator:
        """Return a creator of the demo."""
        return self.read(lambda scope: tenant_reads.get_creator(scope, slug))

    def made(self) -> Mapping[str, int]:
        """Return the number of rows of each table that a day fills."""
        with self.scope() as scope:
            return {
                table: scope.run(
                    f"SELECT count(*) FROM {table} WHERE tenant_id = :tenant",
                    tenant=scope.tenant_id,
                ).scalar_one()
                for table in MADE
            }

    def destinations(self, slug: str, day: str) -> Mapping[str, Mapping[str, str]]:
        """Return the deliveries of a day's brief: text by native ID, or by state, for each account."""
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

    # sandbox and pages

    @property
    def sandbox(self) -> str:
        """The address of the sandbox."""
        return f"http://127.0.0.1:{self.settings.sandbox.port}"

    @property
    def web(self) -> str:
        """The address of the creators' pages."""
        return f"http://127.0.0.1:{self.settings.web.port}"

    def get(self, url: str, **headers: str) -> HttpResponse:
        """Request a page as a browser does."""
        reply = self.http.send(HttpRequest("GET", url, headers, b"", 20.0))
        assert isinstance(reply, HttpResponse), reply
        return reply

    def ask(self, method: str, path: str, body: object = None, *, token: str = "") -> Any:
        """Return the sandbox's response to a request of its API or its control API."""
        headers = {"content-type": "application/json"} | (
            {"authorization": f"Bearer {token}"} if token else {}
        )
        data = b"" if body is None else json.dumps(body).encode()
        reply = self.http.send(HttpRequest(method, self.sandbox + path, headers, data, 20.0))
        assert isinstance(reply, HttpResponse), reply
        assert reply.status < 300, (reply.status, reply.body)
        return json.loads(reply.body)

    def truth(self, account: str) -> Any:
        """Return everything that an account received."""
        return self.ask("GET", f"/control/truth/{quote(account, safe='')}")

    def texts(self, account: str) -> Counter[str]:
        """Return the number of visible posts of an account by text."""
        return Counter(
            post["text"] for post in self.truth(account)["posts"] if not post["deleted_at"]
        )

    def till(self, account: str) -> int:
        """Return the balance of an account in the sandbox."""
        token = self.ask("POST", "/control/accounts", {"account": account})["token"]
        return int(
            self.ask("GET", f"/api/{quote(account, safe='')}/transactions", token=token)["balance"]
        )

    def booked(self, account: str) -> int:
        """Return the balance of that account in our ledger."""
        where = entries.rail_ledger_account("sandbox", account)
        return self.read(lambda scope: entries.account_balance(scope, where).get("XTS", 0))

    def stop(self) -> str:
        """Stop the installation with Ctrl-C and return its log."""
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
    """A subscriber at the chat window of the sandbox."""

    house: Installation
    account: str
    name: str
    language: str = "en"

    def act(self, **form: str) -> None:
        """Send a form of the page as the browser does."""
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
        """Send a message."""
        self.act(type="message", text=text)

    def seen(self) -> list[dict[str, Any]]:
        """Return the creator's messages in the window, oldest first."""
        messages = self.house.truth(self.account)["messages"]
        return [one for one in messages if one["fan"] == self.name and one["author"] == "creator"]

    def texts(self) -> list[str]:
        """Return the texts of those messages."""
        return [one["text"] for one in self.seen()]

    def waits(
        self, for_what: Callable[[dict[str, Any]], bool], seconds: float = 45.0
    ) -> dict[str, Any]:
        """Wait for a matching message of the creator and return the first one."""
        wait_until(lambda: any(map(for_what, self.seen())), seconds)
        return next(one for one in self.seen() if for_what(one))

    def page(self) -> str:
        """Return the HTML of the window."""
        url = (
            f"{self.house.sandbox}/c/{quote(self.account, safe='')}?{urlencode({'fan': self.name})}"
        )
        return self.house.get(url, **{"accept-language": self.language}).body.decode()


def build_environment(home: InstallationFolder, language: str = "en") -> dict[str, str]:
    """Return the environment of a user with the installation in `home` and without a model server."""
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
    """Run `greenroom up` in an empty folder and return when everything is ready."""
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

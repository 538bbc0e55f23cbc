"""Publish a first post on a production installation in containers, as its operator does.

Run beside `docker-compose.yml` after `docker compose up --detach --wait`, with the `.env` that
`greenroom deploy env` wrote:

    python3 tests/containers/first_post.py [COMMAND ...]

COMMAND runs `compose`; the default is `docker compose`. Uses the standard library only. The owner is
invited and signs up, a creator is added, an API key schedules a post on the creator's page, and the
post is read from the public page. Then an emergency stop is made and ended. Ends with status 1 and
the cause if a step fails.
"""

import base64
import hmac
import json
import re
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar
from pathlib import Path

OWNER = {"name": "Nora", "email": "nora@agency.example", "password": "three sparrows on a wire"}
TEXT = "First light over the harbour"
POST_SECONDS = 120
SCOPES = ("posts:read", "posts:write", "approve")


class Failure(Exception):
    """A step did not do what it must."""


class Containers:
    """The installation that a Compose file runs."""

    def __init__(self, compose: list[str]) -> None:
        self._compose = compose

    def run_command(self, *words: str) -> str:
        """Run `greenroom` in the container of the `make` process and return its output."""
        return self._execute("greenroom", *words)

    def run_python(self, source: str, *words: str) -> str:
        """Run Python source in the container of the `make` process and return its output."""
        return self._execute("python", "-c", source, *words)

    def _execute(self, *words: str) -> str:
        command = [*self._compose, "exec", "make", *words]
        if self._compose[:2] == ["docker", "compose"]:
            command.insert(command.index("exec") + 1, "-T")
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise Failure(f"{' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout.strip()


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Reports a redirect as the answer."""

    def redirect_request(self, *_: object) -> None:
        return None


def send_request(
    method: str,
    url: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    *,
    cookies: CookieJar | None = None,
) -> tuple[int, bytes]:
    """Send a request and return status and body. Redirects are not followed."""
    opener = urllib.request.build_opener(
        NoRedirects, urllib.request.HTTPCookieProcessor(CookieJar() if cookies is None else cookies)
    )
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        with opener.open(request, timeout=30) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def read_environment(path: Path = Path(".env")) -> dict[str, str]:
    """Return the variables of the `.env` file."""
    lines = path.read_text("utf-8").splitlines()
    return dict(line.partition("=")[::2] for line in lines if "=" in line and line[0] != "#")


def create_owner(containers: Containers) -> None:
    """Invite the first owner and sign up with the printed link."""
    link = containers.run_command("invite", "--owner").split()[-1]
    status, page = send_request("POST", link, urllib.parse.urlencode(OWNER).encode())
    if status != 303:
        raise Failure(f"the setup link answered {status}: {page[:500]!r}")


REQUIRE_SECOND_FACTOR = """
import sys
from tenants.auth import members
from workers.terminal.lookup import find_member
from workers.terminal.session import connect_installation
with connect_installation("first-post") as services:
    tenant_id, member = find_member(services, sys.argv[1])
    with services.tenant(tenant_id, f"member:{member.id}") as scope:
        members.require_second_factor(scope, True)
"""
"""What the switch *Require two-factor authentication* on the *Team* page does."""


def set_up_second_factor(containers: Containers) -> None:
    """Set up an authenticator app, which API keys require, on the page of the next sign-in."""
    containers.run_python(REQUIRE_SECOND_FACTOR, OWNER["email"])
    link = containers.run_command("invite", OWNER["email"]).split()[-1]
    cookies = CookieJar()
    send_request("POST", link, b"", cookies=cookies)
    page_url = urllib.parse.urljoin(link, "/auth/second")
    _, page = send_request("GET", page_url, cookies=cookies)
    letters = re.search(rb"\b[A-Z2-7]{32}\b", page)
    if not letters:
        raise Failure(f"the page of the second factor shows no secret: {page[:500]!r}")
    code = urllib.parse.urlencode({"code": totp_code(letters[0])}).encode()
    status, page = send_request("POST", page_url, code, cookies=cookies)
    if status != 303:
        raise Failure(f"the second factor was refused with {status}: {page[:500]!r}")


def totp_code(letters: bytes) -> str:
    """Return the six-digit code of this half minute (RFC 6238)."""
    secret = base64.b32decode(letters)
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.digest(secret, counter, "sha1")
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def call_api(base: str, key: str, method: str, path: str, body: object = None) -> dict[str, object]:
    """Call the REST API and return the JSON of its answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),
    }
    status, answer = send_request(method, f"{base}/v1{path}", data, headers)
    if status >= 300:
        raise Failure(f"{method} {path} answered {status}: {answer[:1000]!r}")
    return json.loads(answer)


def publish_post(containers: Containers, public_url: str) -> None:
    """Schedule a post on the page of a new creator and wait until the public page shows it."""
    words = [word for scope in SCOPES for word in ("--scope", scope)]
    key = containers.run_command("api-keys", "create", "--name", "first post", *words).split()[-1]
    [creator] = call_api(public_url, key, "GET", "/creators")["items"]
    until = time.monotonic() + POST_SECONDS
    while not (channels := call_api(public_url, key, "GET", "/channels")["items"]):
        if time.monotonic() > until:
            raise Failure("the creator's page was not opened")
        time.sleep(1)
    at = datetime.now(UTC) + timedelta(seconds=5)
    draft = {
        "creator_id": creator["id"],
        "body": TEXT,
        "channels": [channels[0]["id"]],
        "at": at.isoformat(timespec="seconds"),
    }
    post = call_api(public_url, key, "POST", "/posts", draft)
    page = f"{public_url}/nova"
    while TEXT.encode() not in send_request("GET", page)[1]:
        if time.monotonic() > until:
            state = call_api(public_url, key, "GET", f"/posts/{post['id']}")
            raise Failure(f"{page} does not show the post: {json.dumps(state)[:2000]}")
        time.sleep(1)


def print_step(text: str) -> None:
    """Print a finished step at once."""
    print(text, flush=True)


def main(compose: list[str]) -> None:
    """Run all steps and print each one."""
    containers = Containers(compose)
    public_url = read_environment()["GREENROOM_PUBLIC_URL"]
    status = json.loads(containers.run_command("status", "--json"))
    if not status["ready"]:
        raise Failure(f"not ready: {status['processes']}")
    print_step("status: every process is ready")
    create_owner(containers)
    containers.run_command("creators", "add", "Nova", "--handle", "nova", "--kind", "virtual")
    set_up_second_factor(containers)
    print_step("owner: signed up with the link of `invite --owner` and a second factor")
    publish_post(containers, public_url)
    print_step("post: published on the creator's page")
    containers.run_command("gate", "emergency-stop", "--reason", "trial")
    containers.run_command("gate", "resume", "--reason", "end of the trial")
    print_step("emergency stop: made and ended")


if __name__ == "__main__":
    try:
        main(sys.argv[1:] or ["docker", "compose"])
    except (Failure, OSError, KeyError, ValueError) as error:
        sys.exit(f"first_post: {error}")

"""What publishing is compared with: the same posts by a plain Celery task with its time as ETA, and
retries.

It is what most schedulers are: no permits, no state, no look before a retry. It runs beside the
house in the same run on the same Redis and against the same test network, with 32 threads and
settings as Celery's documentation has them
(https://docs.celeryq.dev/en/stable/userguide/tasks.html#automatic-retry-for-known-exceptions).
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from urllib.parse import quote

from celery import Celery

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ops.clock import sleep

QUEUE = "plain"
THREADS = 32
RETRIES = 3
FIRST_WAIT_S = 1
REQUEST_S = 10.0
START_SECONDS = 3.0
"""A worker has no way to say that it is ready."""


class PostFailed(Exception):
    """Anything but a success, as a plain task sees it."""


@cache
def _get_http_client() -> HttpClient:
    return HttpClient()


def post_once(base: str, account: str, token: str, text: str) -> None:
    """Post once. Raises Failed for every answer but a success, and for none."""
    url = f"{base}/api/{quote(account, safe='')}/posts"
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    body = json.dumps({"text": text, "media": [], "surface": "post", "title": ""}).encode()
    answer = _get_http_client().send(HttpRequest("POST", url, headers, body, REQUEST_S))
    if not isinstance(answer, HttpResponse) or answer.status >= 300:
        raise PostFailed
    json.loads(answer.body)  # its id, which a scheduler keeps


def make_plain_app(redis_url: str) -> Celery:
    """The app of both sides: who plans, and the worker."""
    made = Celery("plain", broker=redis_url, set_as_current=False)
    made.conf.update(
        task_ignore_result=True,
        task_default_queue=QUEUE,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
    )
    made.task(
        post_once,
        name="post",
        shared=False,
        autoretry_for=(PostFailed, ValueError),
        retry_backoff=FIRST_WAIT_S,
        retry_jitter=False,
        max_retries=RETRIES,
    )
    return made


@dataclass
class PlainWorker:
    """A worker in a process of its own, which may be killed and started again."""

    redis_url: str
    log: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def pid(self) -> int:
        """Of the process that runs now; 0 without one."""
        return self.process.pid if self.process is not None else 0

    def start(self) -> None:
        """Return when it works, or should."""
        with self.log.open("ab") as out:
            command = [sys.executable, "-m", "benchmarks.publishing.plain_celery", self.redis_url]
            # our own module
            self.process = subprocess.Popen(command, stdout=out, stderr=out)  # noqa: S603  see above
        sleep(START_SECONDS)

    def kill(self) -> None:
        """Kill -9, whatever it still holds."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(30)
            self.process = None


@contextmanager
def run_plain_worker(redis_url: str, log: Path) -> Iterator[PlainWorker]:
    """A running worker; killed with the block."""
    made = PlainWorker(redis_url, log)
    made.start()
    try:
        yield made
    finally:
        made.kill()


def schedule_plain_posts(
    made: Celery, base: str, tokens: Mapping[str, str], posts: Mapping[str, tuple[str, datetime]]
) -> None:
    """Hand over each post with its time: text → account and time (UTC-aware)."""
    task = made.tasks["post"]
    for text, (account, at) in posts.items():
        task.apply_async(args=(base, account, tokens[account], text), eta=at, queue=QUEUE)


def count_stuck_tasks(made: Celery) -> int:
    """Tasks that a worker took and never ended: Redis hands them out again an hour after they were
    taken.

    https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/redis.html#visibility-timeout
    """
    with made.connection_for_write() as connection:
        return int(connection.default_channel.client.hlen("unacked"))


if __name__ == "__main__":
    make_plain_app(sys.argv[1]).Worker(
        pool="threads", concurrency=THREADS, queues=[QUEUE], quiet=True, loglevel="ERROR"
    ).start()

"""The plain task queue of the comparison: posts as Celery tasks with their time as ETA, and
retries.

It does what most schedulers do: no permits, no state, no look-up before a retry. It runs beside the
installation in the same run, on the same Redis and against the same test network, with 32 threads
and the settings of Celery's documentation
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
"""Seconds to wait for the start: a worker cannot report that it is ready."""


class PostFailed(Exception):
    """Any response other than a success, as a plain task sees it."""


@cache
def _get_http_client() -> HttpClient:
    return HttpClient()


def post_once(base: str, account: str, token: str, text: str) -> None:
    """Post once. Raises PostFailed without a successful response."""
    url = f"{base}/api/{quote(account, safe='')}/posts"
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    body = json.dumps({"text": text, "media": [], "surface": "post", "title": ""}).encode()
    answer = _get_http_client().send(HttpRequest("POST", url, headers, body, REQUEST_S))
    if not isinstance(answer, HttpResponse) or answer.status >= 300:
        raise PostFailed
    json.loads(answer.body)  # a scheduler stores the id of the post


def make_plain_app(redis_url: str) -> Celery:
    """Return the Celery app of the scheduler and the worker."""
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
    """A worker in its own process, which can be killed and restarted."""

    redis_url: str
    log: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def pid(self) -> int:
        """The current process ID; 0 without a process."""
        return self.process.pid if self.process is not None else 0

    def start(self) -> None:
        """Start the worker and wait until it is probably ready."""
        with self.log.open("ab") as out:
            command = [sys.executable, "-m", "benchmarks.publishing.plain_celery", self.redis_url]
            self.process = subprocess.Popen(  # noqa: S603  our own module
                command, stdout=out, stderr=out
            )
        sleep(START_SECONDS)

    def kill(self) -> None:
        """Kill the worker with SIGKILL, during its tasks."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(30)
            self.process = None


@contextmanager
def run_plain_worker(redis_url: str, log: Path) -> Iterator[PlainWorker]:
    """Run a worker during the block; killed at its end."""
    made = PlainWorker(redis_url, log)
    made.start()
    try:
        yield made
    finally:
        made.kill()


def schedule_plain_posts(
    made: Celery, base: str, tokens: Mapping[str, str], posts: Mapping[str, tuple[str, datetime]]
) -> None:
    """Schedule posts: text -> account and time (UTC-aware)."""
    task = made.tasks["post"]
    for text, (account, at) in posts.items():
        task.apply_async(args=(base, account, tokens[account], text), eta=at, queue=QUEUE)


def count_stuck_tasks(made: Celery) -> int:
    """Return the number of tasks that a worker took and never finished: Redis redelivers them after
    an hour.

    "Visibility timeout" of
    https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/redis.html
    """
    with made.connection_for_write() as connection:
        return int(connection.default_channel.client.hlen("unacked"))


if __name__ == "__main__":
    make_plain_app(sys.argv[1]).Worker(
        pool="threads", concurrency=THREADS, queues=[QUEUE], quiet=True, loglevel="ERROR"
    ).start()

"""What publishing is compared with: the same posts by a plain Celery task with its time as ETA, and retries.

It is what most schedulers are: no permits, no state, no look before a retry. It runs beside the house in the same run
on the same Redis and against the same test network, with 32 threads and settings as Celery's
documentation has them (https://docs.celeryq.dev/en/stable/userguide/tasks.html#automatic-retry-for-known-exceptions).
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from urllib.parse import quote

from celery import Celery

from foundation.clock import pause
from foundation.http import HttpClient, Reply, Request

QUEUE = "plain"
THREADS = 32
RETRIES, FIRST_WAIT_S = 3, 1
REQUEST_S = 10.0


class Failed(Exception):
    """Anything but a success, as a plain task sees it."""


@cache
def _client() -> HttpClient:
    return HttpClient()


def post(base: str, account: str, token: str, text: str) -> None:
    """Post once. Raises Failed for every answer but a success, and for none."""
    url = f"{base}/api/{quote(account, safe='')}/posts"
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    body = json.dumps({"text": text, "media": [], "surface": "post", "title": ""}).encode()
    answer = _client().exchange(Request("POST", url, headers, body, REQUEST_S))
    if not isinstance(answer, Reply) or answer.status >= 300:
        raise Failed


def app(redis_url: str) -> Celery:
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
        post,
        name="post",
        shared=False,
        autoretry_for=(Failed,),
        retry_backoff=FIRST_WAIT_S,
        retry_jitter=False,
        max_retries=RETRIES,
    )
    return made


@contextmanager
def worker(redis_url: str, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker in a process of its own; killed with the block, whatever it still holds."""
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "workers.bench_plain", redis_url], stdout=out, stderr=out
        )
    try:
        pause(3)  # it has no way to say that it is ready
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)


def plan(made: Celery, base: str, tokens: Mapping[str, str], posts: Mapping[str, tuple[str, datetime]]) -> None:
    """Hand over each post with its time: text → account and time (UTC-aware)."""
    task = made.tasks["post"]
    for text, (account, at) in posts.items():
        task.apply_async(args=(base, account, tokens[account], text), eta=at, queue=QUEUE)


if __name__ == "__main__":
    app(sys.argv[1]).Worker(pool="threads", concurrency=THREADS, queues=[QUEUE], quiet=True, loglevel="ERROR").start()

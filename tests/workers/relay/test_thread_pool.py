"""A Celery worker receives a message only while it has a free thread, and notices each free one."""

from threading import Event, Lock
from uuid import UUID

import redis

from foundation.ids import uuid7
from tests.conftest import wait_until
from workers.relay import celery_app

QUEUE = "publish"
THREADS = 2
MANY = 80


def test_busy_worker_leaves_messages_to_others(redis_url: str) -> None:
    release = Event()
    begun: list[UUID] = []

    def handle(event_id: UUID, _token: UUID) -> None:
        begun.append(event_id)
        assert release.wait(20)

    app = celery_app.make_celery_app(redis_url, handle)
    store = redis.Redis.from_url(redis_url)
    with celery_app.background_worker(app, queues=(QUEUE,), threads=THREADS):
        send(app, THREADS + 3)
        wait_until(lambda: len(begun) == THREADS)
        # A message may be received before the loop sees that all threads are busy.
        assert store.llen(QUEUE) >= 2
        release.set()
        wait_until(lambda: len(begun) == THREADS + 3)
    assert store.llen(QUEUE) == 0


def test_each_free_thread_is_noticed_at_once(redis_url: str) -> None:
    """Celery's own limit finds a free thread at the next turn of its loop: a second for two
    messages, and forty for these."""
    busy = most = done = 0
    lock = Lock()

    def handle(_event_id: UUID, _token: UUID) -> None:
        nonlocal busy, most, done
        with lock:
            busy += 1
            most = max(most, busy)
        Event().wait(0.01)
        with lock:
            busy -= 1
            done += 1

    app = celery_app.make_celery_app(redis_url, handle)
    with celery_app.background_worker(app, queues=(QUEUE,), threads=THREADS):
        send(app, MANY)
        wait_until(lambda: done == MANY, 20)
    assert most == THREADS


def send(app: celery_app.Celery, count: int) -> None:
    for _ in range(count):
        app.tasks[celery_app.TASK_NAME].apply_async(
            args=(str(uuid7()), str(uuid7())), queue=QUEUE, ignore_result=True
        )

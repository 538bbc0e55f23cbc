"""Latency of conversations: fifty fans at once, from a fan's message to the reply on the network.

The test network, the listener, the outbox, the relay, the workers and the gate are real; only the
model is a stub: the template engine, which responds at once. Times are those of the test network's
record.
"""

import random
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import psutil

from benchmarks.measurement import BENCHMARK_SEED
from benchmarks.publishing.world import call_sandbox_control, run_installation, sandbox_platform
from channels.accounts import lifecycle
from foundation.errors import Unavailable
from foundation.ids import uuid7
from foundation.ops.clock import monotonic, sleep
from subscribers.conversations import queries
from subscribers.history import fan_timeline
from subscribers.replies import persona
from subscribers.replies.persona import PersonaVersion
from tenants.agencies import agencies
from workers.wiring import Services

ACCOUNTS = 5
FANS_EACH = 10
"""Fans of each account: fifty chats in total."""

BEGIN_WITHIN = 10.0
"""Seconds in which the fifty chats start; all of them then continue at the same time."""

MORE = 3
APART = (8.0, 16.0)
"""Messages after the first, and the minimum and maximum seconds between two of them."""

HANDS = 10
"""Threads that send the fans' messages."""

CALM_SECONDS = 6.0
PATIENCE_SECONDS = 180.0
SAYINGS = (
    "Bonjour",
    "C’est superbe",
    "Merci beaucoup",
    "J’adore cette lumière",
    "Hello",
    "So beautiful, thanks",
)
SPEAKER = PersonaVersion(
    name="Bench",
    virtual=True,
    card="A virtual photographer of quiet places, warm and brief.",
    voice="Warm, short sentences.",
    languages=("fr", "en"),
    level="autopilot",
)


@dataclass(frozen=True)
class ChatAccount:
    """A chat account of the benchmark."""

    tenant_id: UUID
    channel_id: UUID
    account: str


@dataclass(frozen=True)
class FanChat:
    """One fan's chat on the test network: messages in its order, as (author, ID, time)."""

    till: ChatAccount
    fan: str
    messages: Sequence[tuple[str, str, datetime]]

    def seconds_to_message(self, number: int) -> float:
        """Return the seconds from the fan's first message to the creator's `number`-th."""
        first = next(at for author, _, at in self.messages if author == "fan")
        ours = [at for author, _, at in self.messages if author == "creator"]
        return (ours[number - 1] - first).total_seconds()


def measure_chat() -> dict[str, float]:
    """Start an installation, run the chats and stop it. Takes about three minutes.

    first_answer: from a fan's first message to the model's first reply, during fifty chats; the
    notice of an automated reply comes before it (first_word). burst50: the same when all fifty
    start at the same moment. cpu_ms_per_message: processor time of all processes of the
    installation, databases and test network included, for each message of either side.
    order_breaks: messages that are missing, duplicated or in a different order on the test network.
    Raises Unavailable if chats do not end.
    """
    with (
        tempfile.TemporaryDirectory(prefix="greenroom-bench-") as folder,
        run_installation(Path(folder) / "home", latency_ms=0) as services,
    ):
        tills = [_create_chat_account(services, number) for number in range(ACCOUNTS)]
        sleep(2 * CALM_SECONDS)  # the listener finds the new accounts
        _run_conversations(services, tills, _compose_script(tills, "warm", within=4.0, more=0))
        before = _measure_cpu_seconds()
        steady = _run_conversations(
            services, tills, _compose_script(tills, "steady", within=BEGIN_WITHIN, more=MORE)
        )
        worked = _measure_cpu_seconds() - before
        burst = _run_conversations(
            services, tills, _compose_script(tills, "burst", within=0.0, more=0)
        )
        breaks = sum(_count_order_breaks(services, chat) for chat in [*steady, *burst])
        return {
            "first_answer_p50_s": _percentile_latency(steady, 2, 50),
            "first_answer_p95_s": _percentile_latency(steady, 2, 95),
            "first_word_p95_s": _percentile_latency(steady, 1, 95),
            "burst50_first_answer_p95_s": _percentile_latency(burst, 2, 95),
            "cpu_ms_per_message": 1000 * worked / sum(len(chat.messages) for chat in steady),
            "messages": float(sum(len(chat.messages) for chat in [*steady, *burst])),
            "order_breaks": float(breaks),
        }


def _measure_cpu_seconds() -> float:
    """Return the processor time of the installation in seconds, without other load on
    the machine."""
    spent = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # the process may end first
            times = process.cpu_times()
            spent += times.user + times.system
    return spent


def _percentile_latency(chats: Sequence[FanChat], number: int, percent: int) -> float:
    values = sorted(chat.seconds_to_message(number) for chat in chats)
    return values[-(-len(values) * percent // 100) - 1]


def _create_chat_account(services: Services, number: int) -> ChatAccount:
    tenant_id = uuid7()
    account = f"chat-{number}+key"
    base = f"http://127.0.0.1:{services.settings.sandbox.port}"
    token = str(
        call_sandbox_control("POST", f"{base}/control/accounts", {"account": account})["token"]
    )
    sealed = services.seal(tenant_id, token)
    with services.tenant(tenant_id, "system:bench") as scope:
        agencies.create_agency(scope, name=f"Bench {number}", language="fr", zone="UTC")
        creator_id = agencies.add_creator(
            scope,
            slug=f"bench-{number}",
            name="Bench",
            kind="virtual",
            zone="UTC",
            languages=["fr"],
        )
        persona.activate_persona(scope, persona.create_persona_version(scope, creator_id, SPEAKER))
        channel_id = lifecycle.connect_account(
            scope,
            creator_id=creator_id,
            platform=sandbox_platform(services),
            surface="sandbox.post",
            chat_surface="sandbox.chat",
            account=account,
            name=account,
            base_url=base,
            token=sealed,
            zone="UTC",
        )
    return ChatAccount(tenant_id, channel_id, account)


Line = tuple[float, ChatAccount, str, str]
"""A message to send: seconds from the start, account, fan and text."""


def _compose_script(
    tills: Sequence[ChatAccount], name: str, *, within: float, more: int
) -> list[Line]:
    """Return the messages of fifty fans by time, the same in each run."""
    drawn = random.Random(f"{BENCHMARK_SEED}:{name}")  # noqa: S311  variety, not secrecy
    lines: list[Line] = []
    for till in tills:
        for number in range(FANS_EACH):
            at = drawn.uniform(0, within)
            for _ in range(1 + more):
                lines.append((at, till, f"{name}-{number}", drawn.choice(SAYINGS)))
                at += drawn.uniform(*APART)
    return sorted(lines, key=lambda line: line[0])


def _run_conversations(
    services: Services, tills: Sequence[ChatAccount], lines: Sequence[Line]
) -> list[FanChat]:
    """Send the messages at their times, wait for all replies and read the test network's record of
    these chats."""
    base = f"http://127.0.0.1:{services.settings.sandbox.port}"
    started = monotonic()
    ahead = iter(lines)
    lock = threading.Lock()

    def write() -> None:
        while True:
            with lock:
                line = next(ahead, None)
            if line is None:
                return
            at, till, fan, text = line
            sleep(max(0.0, at - (monotonic() - started)))
            call_sandbox_control(
                "POST",
                f"{base}/control/chats/{quote(till.account, safe='')}/{fan}",
                {"type": "message", "text": text},
            )

    hands = [threading.Thread(target=write) for _ in range(HANDS)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    return _wait_for_answers(base, tills, {(till.account, fan) for _, till, fan, _ in lines})


def _wait_for_answers(
    base: str, tills: Sequence[ChatAccount], wanted: set[tuple[str, str]]
) -> list[FanChat]:
    until = monotonic() + PATIENCE_SECONDS
    calm_since = monotonic()
    before = -1
    while True:
        chats = [
            chat
            for till in tills
            for chat in _read_chat_record(base, till)
            if (till.account, chat.fan) in wanted
        ]
        count = sum(len(chat.messages) for chat in chats)
        if count != before:
            before = count
            calm_since = monotonic()
        done = all(chat.messages[-1][0] == "creator" and len(chat.messages) > 2 for chat in chats)
        if done and len(chats) == len(wanted) and monotonic() - calm_since > CALM_SECONDS:
            return chats
        if monotonic() > until:
            raise Unavailable("bench.too_slow", done=len(chats), wanted=len(wanted))
        sleep(1.0)


def _read_chat_record(base: str, till: ChatAccount) -> list[FanChat]:
    truth = call_sandbox_control("GET", f"{base}/control/truth/{quote(till.account, safe='')}")
    chats: dict[str, list[tuple[str, str, datetime]]] = {}
    for message in truth["messages"]:  # type: ignore[attr-defined]  # JSON of the test network
        said = message["author"], str(message["id"]), datetime.fromisoformat(message["created_at"])
        chats.setdefault(message["fan"], []).append(said)
    return [FanChat(till, fan, messages) for fan, messages in chats.items()]


def _count_order_breaks(services: Services, chat: FanChat) -> int:
    """Return the number of positions at which the test network's order differs from the order of
    sending, on either side."""
    with services.tenant(chat.till.tenant_id, "system:bench") as scope:
        talk = queries.find_conversation(scope, chat.till.channel_id, chat.fan)
        if talk is None:
            return len(chat.messages)
        ours = fan_timeline.sent_message_ids(scope, talk)
        theirs = fan_timeline.received_message_ids(scope, talk)
    seen_ours = [native_id for author, native_id, _ in chat.messages if author == "creator"]
    seen_theirs = [native_id for author, native_id, _ in chat.messages if author == "fan"]
    return sum(_count_differences(*pair) for pair in ((ours, seen_ours), (theirs, seen_theirs)))


def _count_differences(written: Sequence[str], stands: Sequence[str]) -> int:
    return sum(one != other for one, other in zip(written, stands, strict=False)) + abs(
        len(written) - len(stands)
    )

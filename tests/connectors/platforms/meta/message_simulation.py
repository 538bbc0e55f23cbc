"""A simulation of messages of a Meta account without HTTP: incoming messages and responses."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connectors.contract.chats import ChatUpdates
from connectors.contract.connector import Response, Send, StepAnswerLost, StepKind, StepResult
from connectors.contract.outcomes import Outcome
from connectors.platforms.facebook import messages as facebook_chats
from connectors.platforms.facebook.publisher import Facebook
from connectors.platforms.instagram import messages as instagram_chats
from connectors.platforms.instagram.publisher import Instagram
from foundation.ops.clock import wall_now
from tests.fakes.meta.chats import INSTAGRAM, MESSENGER, ChatRules, Chats
from tests.fakes.meta.fetched_media import GraphApiError

ME = "17841400000000001"
PLATFORMS: dict[str, tuple[Instagram | Facebook, ChatRules]] = {
    "instagram": (Instagram(), INSTAGRAM),
    "facebook": (Facebook(), MESSENGER),
}
SURFACES = {"instagram": instagram_chats.CHAT_SURFACE, "facebook": facebook_chats.CHAT_SURFACE}
LONGEST = {
    "instagram": "é" * (instagram_chats.MAX_BYTES // 2),
    "facebook": "é" * facebook_chats.MAX_TEXT,
}


class ManualClock:
    """A clock that stops at the start of a second until it is moved."""

    def __init__(self) -> None:
        self._at = wall_now().replace(microsecond=0)

    def __call__(self) -> datetime:
        return self._at

    def move(self, seconds: float) -> None:
        """Advance the clock."""
        self._at += timedelta(seconds=seconds)


@dataclass
class MessageSimulation:
    """The platform without HTTP; it answers requests of one account."""

    name: str
    clock: ManualClock = field(default_factory=ManualClock)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.platform, rules = PLATFORMS[self.name]
        self.rights, self.chats = rules.rights, Chats(ME, "mia", rules)

    def handle(self, name: str) -> str:
        """Return a user as the platform names them: a Page receives names, not handles."""
        return f"@{name}" if self.name == "instagram" else name

    def says(self, name: str, text: str, *, after: float = 1, **more: Any) -> str:
        self.clock.move(after)
        return self.chats.say(name, text, self.clock(), **more).id

    def answer(self, turn: Send) -> StepResult:
        step = turn.step
        at = urlsplit(step.path.replace("{account}", ME))
        self.asked.append(at.path)
        told = {**dict(parse_qsl(at.query)), **(step.json or {})}
        if at.path == "/me":
            known = (
                {"id": ME, "name": "mia"}
                if self.name == "facebook"
                else {"user_id": ME, "username": "mia", "id": "1"}
            )
            return Response(step.name, 200, {}, known)
        dated = {"date": format_datetime(self.clock(), usegmt=True)}
        try:
            said = self.chats.answer(
                step.method, at.path.strip("/").split("/"), told, self.rights, self.clock()
            )
        except GraphApiError as refused:
            return Response(step.name, refused.status, {}, refused.body)
        assert said is not None, at.path
        return Response(step.name, 200, dated, said)

    def poll(self, cursor: str, lost: int = -1) -> ChatUpdates | Outcome:
        """Poll once. The response number `lost` is lost."""
        self.asked.clear()
        answers: tuple[StepResult, ...] = ()
        while isinstance(turn := self.platform.listen(cursor, answers), Send):
            assert (turn.step.kind, turn.step.action, turn.step.method) == (
                StepKind.CONTROL,
                "updates",
                "GET",
            )
            missing = len(answers) == lost
            answers = (
                *answers,
                StepAnswerLost("updates", "ReadTimeout") if missing else self.answer(turn),
            )
        return turn

    def heard(self, cursor: str) -> tuple[list[str], str]:
        news = self.poll(cursor)
        assert isinstance(news, ChatUpdates), news
        return [update.text for update in news.updates], news.cursor

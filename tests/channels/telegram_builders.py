"""A tenant with a bot on the fake Telegram, its channel, and a fan it writes to."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from channels.accounts import lifecycle
from channels.attempts import attempts, serialization
from channels.sending import handlers, removal, replacement
from channels.sending.events import CopyRemovalDue
from connectors.contract import connector
from connectors.contract.connector import Response, Send, WireStep
from connectors.platforms.telegram.publisher import Telegram
from connectors.registry.loader import load_builtin_connectors
from foundation.db.database import Database, Scope
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.sealed import Sealed
from gate.contract.units import Subject, Unit
from gate.copies import live_copies
from gate.copies.live_copies import LiveCopy
from tenants.agencies import agencies
from tests.channels.builders import World, mint
from tests.fakes.telegram.chats import Chat, Told
from tests.fakes.telegram.server import TelegramServer
from tests.fakes.telegram.state import Bot

CONNECTORS = load_builtin_connectors(("connectors.platforms.telegram.publisher:Telegram",))
TWO_DAYS = 48 * 3600 + 60
_numbers = count(1)

Edit = tuple[str, str, str]
"""Native ID of a message, and the text and file digest of its replacement."""


@dataclass
class BotWorld(World):
    """The bot of one creator."""

    telegram: TelegramServer = field(kw_only=True)
    bot: Bot = field(kw_only=True)
    chat: Chat = field(kw_only=True)

    def unit(
        self,
        body: str = "hello",
        *,
        pictures: int = 0,
        of: Subject | None = None,
        viewer: str = "",
        first: int = 0,
    ) -> Unit:
        """Return a post in the channel, or a message to one user by name."""
        person = str(self.telegram.world.person(viewer).id) if viewer else ""
        return replace(
            super().unit(body, pictures=pictures, of=of, viewer=person, first=first),
            platform="telegram",
            surface="telegram.bot_dm" if viewer else "telegram.public_channel",
            destination="" if viewer else str(self.chat.id),
        )

    def pass_time(self, seconds: float) -> None:
        """Advance the clocks of the installation and of Telegram."""
        super().pass_time(seconds)
        self.telegram.clock.advance(seconds)

    def fault(self, mode: str, on: str, **more: Any) -> None:
        """Inject a fault into Telegram."""
        self.telegram.book.schedule_fault(
            mode, account=str(self.bot.id), on=on, **{"seconds": 0.2, **more}
        )

    def copy_of(self, unit: Unit) -> LiveCopy:
        """Return the live copy of a unit."""
        with self.scope() as scope:
            (found,) = live_copies.list_copies(scope, unit.subject)
        return found

    def remove(self, unit: Unit, *, mint: Any = mint, transport: Any = None) -> list[int]:
        """Run the removal of a unit once; return the seconds until its retry."""
        copy = self.copy_of(unit)
        with self.scope() as scope:
            removal.request_removal(scope, copy)
        event, by = CopyRemovalDue(self.tenant_id, copy.jti), transport or self.transport()
        try:
            handlers.remove_copy(
                event, tenant=self.tenant, transport=by, connectors=CONNECTORS, mint=mint
            )
        except outbox.RetryLater as later:
            return [round(later.after.total_seconds())]
        return []

    def standing(self, viewer: str = "") -> list[Told]:
        """Return the visible messages of the channel, or of one user's chat."""
        chat = self.telegram.world.chat(self.bot, viewer) if viewer else self.chat
        return [
            told
            for number, told in chat.messages.items()
            if number not in chat.deleted and self._ours(told)
        ]

    def _ours(self, told: Told) -> bool:
        return told.get("_by") == self.bot.id or bool(told.get("from", {}).get("is_bot"))

    def tries(self, unit: Unit) -> list[str | None]:
        """Return the outcomes of a unit's replacements, oldest first."""
        with self.scope() as scope:
            return [
                row.outcome
                for row in attempts.list_attempts(
                    scope, unit.subject, None, (replacement.REPLACE_KIND,)
                )
            ]

    def unpermitted(self) -> list[str]:
        """Return edits at Telegram without a permit, and permits without a matching step."""
        with self.scope() as scope:
            allowed, breaches = self._allowed(scope)
        made = Counter(self.bot.edits)
        return breaches + [
            f"{edit} asked {made[edit]} times under {allowed[edit]}" for edit in made - allowed
        ]

    def _allowed(self, scope: Scope) -> tuple[Counter[Edit], list[str]]:
        permits = {
            str(row.id): row.wire_digest
            for row in scope.run(
                "SELECT id, wire_digest FROM permits WHERE tenant_id = :t AND state = 'consumed'",
                t=self.tenant_id,
            )
        }
        rows = scope.run(
            "SELECT * FROM attempts WHERE tenant_id = :t AND kind = 'replace'", t=self.tenant_id
        ).all()
        allowed: Counter[Edit] = Counter()
        breaches, used = [], Counter(step["permit_jti"] for row in rows for step in row.steps)
        for row in rows:
            unit = serialization.unit_from_json(row.unit)
            shapes = {step.wire_digest(): step for step in _walk(unit, row.native_key)}
            for step in (
                each for each in row.steps if (each["answer"] or {}).get("type") != "not_sent"
            ):
                if (
                    permits.get(step["permit_jti"]) != step["wire_digest"]
                    or used[step["permit_jti"]] != 1
                ):
                    breaches.append(f"a step without a permit of its own: {step}")
                allowed[_edit(shapes[step["wire_digest"]])] += 1
        return allowed, breaches


def _walk(unit: Unit, native_id: str) -> Iterator[WireStep]:
    """Yield every request of a replacement if all succeed."""
    answers: tuple[Response, ...] = ()
    place = connector.PlatformCopy(native_id, unit.account, unit.viewer)
    while isinstance(turn := Telegram().replace(place, unit, answers), Send):
        yield turn.step
        answers = (*answers, Response(turn.step.name, 200, {}, {"ok": True, "result": {}}))


def _edit(step: WireStep) -> Edit:
    said = step.json or {}
    words = said.get("text") or said["media"]["caption"]
    digest = next((file.sha256 for file in step.files.values()), "")
    return f"{said['chat_id']}/{said['message_id']}", words, digest


def bot_world(database: Database, telegram: TelegramServer) -> BotWorld:
    """Create a tenant with a creator and a bot to which leo has written."""
    tenant_id, name = uuid7(), f"nova_{next(_numbers)}_{str(uuid7())[-6:]}"
    bot = telegram.world.bot(f"{name}_bot")
    channel = telegram.world.channel("Nova", username=name, post=bot)
    telegram.world.say(bot, "leo", "/start")
    with database.scope(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name=name, language="fr", zone="Europe/Paris")
        creator_id = agencies.add_creator(
            scope, slug="nova", name="Nova", kind="virtual", zone="Europe/Paris", languages=["fr"]
        )
        channel_id = lifecycle.connect_account(
            scope,
            creator_id=creator_id,
            platform="telegram",
            surface="telegram.public_channel",
            chat_surface="telegram.bot_dm",
            account=bot.username,
            name="Nova",
            base_url=telegram.url,
            token=Sealed(bot.token.encode()),
            zone="Europe/Paris",
            options={"destination": str(channel.id)},
        )
    return BotWorld(
        database,
        None,  # type: ignore[arg-type]  # no sandbox here
        tenant_id,
        creator_id,
        channel_id,
        bot.username,
        connectors=CONNECTORS,
        telegram=telegram,
        bot=bot,
        chat=channel,
    )

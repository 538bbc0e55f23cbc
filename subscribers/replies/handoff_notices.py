"""The notice to a fan whose conversation is passed to the team: who will answer, and when."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from foundation.db.database import Scope
from foundation.i18n.translation import Message, format_weekday, render_message
from subscribers.conversations import outgoing_messages
from subscribers.conversations.models import Conversation
from subscribers.replies import opening_hours, persona, team_answers
from subscribers.replies.persona import PersonaVersion
from tenants.agencies.queries import Creator, get_creator, list_members
from tenants.agencies.rights import Right, Role, has_right


def send_handoff_notice(scope: Scope, talk: Conversation) -> None:
    """Inform the fan that a member of the team will answer, with the time if it is known."""
    outgoing_messages.send_automated_message(scope, talk, handoff_notice(scope, talk))


def send_notice_if_away(scope: Scope, talk: Conversation) -> None:
    """Inform the fan when the team comes back, outside its opening hours only."""
    notice = handoff_notice(scope, talk)
    if notice.code == "service.handoff.from":
        outgoing_messages.send_automated_message(scope, talk, notice)


def handoff_notice(scope: Scope, talk: Conversation) -> Message:
    """Return the notice for the current opening hours of the creator's team."""
    creator = get_creator(scope, talk.creator_id)
    speaker = persona.active_persona(scope, talk.creator_id)
    who = _first_name(scope, creator, speaker)
    return build_handoff_notice(
        who=who or render_message(Message("chat.someone"), talk.language),
        name=speaker.name if speaker is not None else creator.name,
        hours=speaker.opening_hours if speaker is not None else (),
        now=scope.now,
        zone=ZoneInfo(creator.zone),
        language=talk.language,
    )


def build_handoff_notice(
    *,
    who: str,
    name: str,
    hours: tuple[opening_hours.OpeningHours, ...],
    now: datetime,
    zone: ZoneInfo,
    language: str,
) -> Message:
    """Return the notice: until when the team answers, when it comes back, or neither without
    opening hours. Pure; `now` is UTC-aware."""
    params: dict[str, str | int] = {
        "who": outgoing_messages.template_value(who),
        "name": outgoing_messages.template_value(name),
    }
    place = {"zone": zone.key.rpartition("/")[2].replace("_", " ")}
    closes = opening_hours.closing_time(hours, now, zone)
    if closes is not None:
        return Message("service.handoff.until", {**params, **place, "until": f"{closes:%H:%M}"})
    opens = opening_hours.next_opening(hours, now, zone)
    if opens is None:
        return Message("service.handoff", params)
    return Message(
        "service.handoff.from",
        {**params, **place, "when": _moment_text(opens, now.astimezone(zone), language)},
    )


def _moment_text(moment: datetime, local: datetime, language: str) -> str:
    clock = f"{moment:%H:%M}"
    day = moment.date()
    if day == local.date():
        return render_message(Message("chat.today_at", {"clock": clock}), language)
    if day == local.date() + timedelta(days=1):
        return render_message(Message("chat.tomorrow_at", {"clock": clock}), language)
    params: dict[str, str | int] = {"clock": clock, "day": format_weekday(day, language)}
    return render_message(Message("chat.weekday_at", params), language)


def _first_name(scope: Scope, creator: Creator, speaker: PersonaVersion | None) -> str:
    """Return the first name of the only chatter of a creator, or without chatters of the only
    member who may answer, else an empty text.

    A member who has the name of the creator is not named: the notice never claims that the creator
    will answer.
    """
    if not team_answers.has_first_names(scope, creator.id):
        return ""
    able = [
        one
        for one in list_members(scope)
        if has_right(one.role, Right.CHAT) and one.works_for(creator.slug)
    ]
    chatters = [one for one in able if one.role is Role.CHATTER] or able
    if len(chatters) != 1:
        return ""
    first = chatters[0].name.split()[0]
    taken = f"{creator.name} {speaker.name if speaker is not None else ''}".casefold().split()
    return "" if first.casefold() in taken else first

"""Invalid input is refused with one sentence that names the problem and its position, and nothing
is changed."""

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from channels.accounts import queries as channel_reads
from channels.accounts.states import ChannelState
from demo.agency.cast import LUMIERE
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ops.wall_time import local_day
from schedules.posts import queries as schedule_reads
from tenants.agencies import agencies
from tenants.notices.queries import list_open_notices
from tests.architecture.test_catalogues import BANNED_WORD
from tests.architecture.tree import ROOT
from tests.journeys.day.conftest import ZONE, Lived
from tests.journeys.day.installation import Installation
from tests.journeys.day.invalid_photos import BAD, jpeg
from tests.stack.conftest import assign_free_ports
from workers.creator_day import runner
from workers.creator_day.timeline import MAX_QUOTE_CHARACTERS
from workers.terminal.session import exclusive_lock

pytestmark = pytest.mark.slow

MIA = (ROOT / "examples" / "mia.yaml").read_text("utf-8")
WHOLE = {"creator": "mia", "fast": True, "agency": "", "photos": None}

CODES = re.compile(r"(?:Acceptées :|Accepted:) [A-Z, ]+\.")
"""The list of currency codes in a message, which is exempt from the check for internal terms."""


@pytest.fixture(autouse=True)
def at_home(house: Installation, mia: Lived, nova: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run commands of this process on the installation after both days, while its clock does not
    move."""
    monkeypatch.setenv("GREENROOM_HOME", str(house.home.folder))


def changed(before: str, after: str) -> Callable[[Path], None]:
    """Return a function that writes the brief with one change."""
    assert before in MIA
    return lambda path: path.write_text(MIA.replace(before, after, 1), "utf-8")


BRIEFS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path.unlink(), "brief.unreadable"),
    "invalid YAML": (changed("languages: [fr, en]", "languages: [fr, en"), "yaml.not_yaml"),
    "an unknown key": (changed("tone:", "tune:"), "brief.key_missing"),
    "a wrong type": (changed("variants: 3", "variants: three"), "brief.not_number"),
    "empty": (lambda path: path.write_text(""), "brief.empty"),
    "huge": (lambda path: path.write_text(MIA + "# " + "x" * 300_000), "brief.too_large"),
    "an unknown account": (
        changed("[Ma page, Sandbox]", "[Ma page, Instagram]"),
        "brief.channel_unknown",
    ),
    "unknown wildcard": (changed("{lieu}", "{ville}"), "recipe.word_unknown"),
    "an unknown currency": (changed("currency: XTS", "currency: EUR"), "day.no_rail"),
    "a bad time": (changed('"15:00"', '"15:75"'), "brief.not_time"),
    "an unknown approver": (
        changed("tone:", "approver: nobody@example.org\ntone:"),
        "day.nobody_approves",
    ),
    "more photos than there are": (
        changed("    picture: carnet\n    pictures: 3", "    picture: photos\n    pictures: 40"),
        "day.too_few_photos",
    ),
}


def refused(house: Installation, **arguments: object) -> GreenroomError:
    """Return the command's error. Its text must be valid in both languages, and nothing may be
    created."""
    before = house.made()
    with pytest.raises(GreenroomError) as error:
        # the command's arguments
        runner.run_day(**{**WHOLE, **arguments})  # type: ignore[arg-type]  # see above
    assert house.made() == before
    for language in LANGUAGES:
        sentence = render_message(error.value.message, language)
        assert not BANNED_WORD.search(CODES.sub("", sentence)), sentence
    return error.value


@pytest.mark.parametrize("name", BRIEFS)
def test_invalid_brief_changes_nothing(name: str, house: Installation, brief: Path) -> None:
    make, code = BRIEFS[name]
    make(brief)
    found = refused(house, brief=brief)
    assert found.message.code == code
    assert isinstance(found, BadInput)


@pytest.mark.parametrize("name", BAD)
def test_invalid_photo_changes_nothing(
    name: str, house: Installation, brief: Path, tmp_path: Path
) -> None:
    make, code = BAD[name]
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(jpeg())
    make(folder / "b.jpg")
    assert refused(house, brief=brief, photos=folder).message.code.startswith(code)


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        ({"creator": "nobody"}, NotFound, "creator.unknown"),
        ({"agency": "Nowhere"}, NotFound, "creator.unknown"),
        ({"day": "tomorrow"}, BadInput, "day.date_unreadable"),
        ({"day": "2001-01-01"}, BadInput, "day.over"),
        ({"day": "2199-01-01"}, BadInput, "day.too_far"),
        ({"photos": Path("/nowhere")}, BadInput, "day.no_folder"),
    ],
)
def test_invalid_argument_changes_nothing(
    arguments: Mapping[str, object],
    kind: type[GreenroomError],
    code: str,
    house: Installation,
    brief: Path,
) -> None:
    found = refused(house, brief=brief, **arguments)
    assert isinstance(found, kind)
    assert found.message.code == code


def test_empty_photo_folder_changes_nothing(
    house: Installation, brief: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    assert refused(house, brief=brief, photos=tmp_path / "photos").message.code == "day.photo_count"


def test_creator_with_unknown_time_zone_is_refused(house: Installation, brief: Path) -> None:
    with house.scope() as scope:
        creator_id = agencies.add_creator(
            scope,
            slug="zed",
            name="Zed",
            kind="human",
            zone=ZONE,
            languages=["fr"],
            approval_tiers=1,
        )
        scope.run(
            "UPDATE creators SET zone = 'Mars/Olympus' WHERE tenant_id = :t AND id = :id",
            t=scope.tenant_id,
            id=creator_id,
        )
    try:
        found = refused(house, creator="zed", brief=brief)
        assert found.message == Message("calendar.zone_unknown", {"zone": "Mars/Olympus"})
    finally:
        with house.scope() as scope:
            scope.run(
                "UPDATE creators SET zone = :zone WHERE tenant_id = :t AND id = :id",
                zone=ZONE,
                t=scope.tenant_id,
                id=creator_id,
            )


def test_second_fast_day_is_refused_while_one_runs(house: Installation, brief: Path) -> None:
    with exclusive_lock(house.home, "day-fast", Message("day.fast_already")):
        assert isinstance(refused(house, brief=brief), Conflict)


def test_fast_day_is_refused_in_production(
    house: Installation, brief: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_ENVIRONMENT", "production")
    found = refused(house, brief=brief)
    assert isinstance(found, Refused)
    assert found.message.code == "clock.not_here"


def test_command_prints_one_line_and_an_exit_code(house: Installation, tmp_path: Path) -> None:
    """The error is one line on standard error in the user's language."""
    wrong = tmp_path / "wrong.yaml"
    changed('"15:00"', '"15:75"')(wrong)
    told = house.run("run-day", "--creator", "mia", "--brief", str(wrong), "--fast", language="fr")
    assert told.code == 2
    assert told.out == ""
    assert told.err == (
        "wrong.yaml, ligne 23, « slots.2.at » : saisissez une heure comme 10:00. Rien n’a été "
        "modifié.\n"
    )
    plain = house.run(
        "run-day",
        "--creator",
        "mia",
        "--brief",
        str(wrong),
        language="fr",
        PYTHONIOENCODING="ascii",
    )
    assert plain.err.startswith(
        "wrong.yaml, ligne 23, ? slots.2.at ? : saisissez une heure comme 10:00"
    )
    unknown = house.run("report", "--creator", "nobody")
    assert (unknown.code, unknown.out) == (4, "")
    assert unknown.err.count("\n") == 1
    unreadable = house.run("report", "--creator", "mia", "--date", "yesterday")
    assert (unreadable.code, unreadable.err) == (
        2,
        "“yesterday” is not a date. Write it as 2026-11-20.\n",
    )


def test_command_fails_if_services_are_unavailable(
    house: Installation, brief: Path, tmp_path: Path
) -> None:
    words = ("run-day", "--creator", "mia", "--brief", str(brief), "--fast")
    home = assign_free_ports(tmp_path / "elsewhere")
    told = house.run(*words, GREENROOM_HOME=str(home.folder))
    assert (told.code, told.out) == (3, "")
    assert re.fullmatch(r"Greenroom is not running\. Start it with “\S*greenroom up”\.\n", told.err)
    nowhere = "postgresql+psycopg://somebody:else@127.0.0.1:9/greenroom"
    addresses = {
        f"GREENROOM_DATABASE__{login}_URL": nowhere for login in ("OWNER", "WORK", "PAGES")
    }
    told = house.run(*words, **addresses)
    assert told.code == 3
    assert told.err.startswith("The database does not respond.")
    assert told.err.count("\n") == 1


def test_revoked_token_holds_only_posts_of_its_account(
    house: Installation, nova: Lived, photos: Path, tmp_path: Path
) -> None:
    """The account must be connected again; its post is on hold with a reason, and the other
    destination publishes."""
    brief = tmp_path / "sacha.yaml"
    brief.write_text(
        'tone: calme\nlanguages: [fr]\nslots: [{at: "07:00", channels: [Ma page, Sandbox]}]\n'
    )
    with house.scope() as scope:
        today = local_day(scope.now, ZONE)
    day_of = str(max(today, date.fromisoformat(nova.day)) + timedelta(days=2))
    house.ask("POST", "/control/token/sacha+key", {"revoke": True})
    told = house.run(
        *(
            "run-day",
            "--creator",
            "sacha",
            "--brief",
            str(brief),
            "--photos",
            str(photos),
            "--fast",
            "--date",
            day_of,
        )
    )
    assert told.code == 1, told.out + told.err
    assert told.about("Published")[0].startswith("Ma page")
    assert next(line for line in told.lines if " Published " in line).startswith(
        "07:00:0"
    )  # an early slot is scheduled early
    held = [line for line in told.about("On hold") if line.startswith("Sandbox")]
    assert len(held) == 1
    assert any(line.startswith("1 of 2 posts published") for line in told.about("Published"))
    creator = house.creator("sacha")
    with house.scope() as scope:
        channel = channel_reads.get_channel_by_name(scope, creator.id, "Sandbox")
        entries = schedule_reads.entries_of_day(scope, creator.id, date.fromisoformat(day_of), ZONE)
        told_members = [notice.message.code for notice in list_open_notices(scope)]
    assert channel.state == ChannelState.REAUTHORIZE
    # one notice, which counts the pending posts
    assert "channel.notice_reauthorize_posts" in told_members
    reasons = {entry.channel: entry.reason for entry in entries if _as_told(entry.body) in told.out}
    assert reasons["Ma page"] is None
    assert reasons["Sandbox"] is not None
    assert render_message(reasons["Sandbox"], "en") in held[0]


def _as_told(body: str) -> str:
    """Return the part of a text that fits on any line of the timeline."""
    return " ".join(body.split())[: MAX_QUOTE_CHARACTERS // 2]


def test_refused_days_create_no_bug_notice_or_crash_log(house: Installation) -> None:
    assert not (house.home.folder / "logs" / "crash.log").exists()
    with house.scope(LUMIERE.tenant_id) as scope:
        assert not [notice for notice in list_open_notices(scope) if "bug" in notice.message.code]

"""The audit log on the System page: every press, values before and after, filters, CSV, creators."""

import csv
import io

import pytest

from dashboard.pages.system.audit_log import render_audit_csv
from foundation.i18n.translation import LANGUAGES, load_catalogue
from tenants import audit
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.audit import AuditFilter
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream


def records(who: Agency) -> list[audit.AuditRecord]:
    with who.scope() as scope:
        return audit.list_audit_records(scope, AuditFilter(), limit=500)


def rename_label(who: Agency) -> None:
    with who.scope(who.act_as(Role.OWNER)) as scope:
        scope.run(
            "UPDATE creators SET name = 'Véga <b>', zone = 'Asia/Tokyo' WHERE tenant_id = :t",
            t=who.tenant_id,
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_changes_are_shown_with_values_in_the_members_language(
    door: Door, lumiere: Agency, language: str
) -> None:
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE members SET language = :l WHERE tenant_id = :t", l=language, t=lumiere.tenant_id
        )
    rename_label(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/system")
    word = load_catalogue(language)
    assert word["audit.changed.update"] in text
    assert f"{word['audit.field.zone']}: " in text
    assert " → Asia/Tokyo" in text
    assert "Véga &lt;b&gt;" in text
    assert "audit." not in text.replace("audit:", "")


def test_press_of_a_button_is_recorded_by_its_label(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/settings", section="stop")
        before = len(records(lumiere))
        label = next(one for one in page.labels() if "rrêt" in one)
        page.press(label)
        newest = records(lumiere)
        assert len(newest) > before
        assert newest[0].act == audit.PRESSED
        assert newest[0].details["label"] == "system.stop_now"
        text = page.open("/system")
    assert "a appuyé sur" in text


def test_filters_narrow_the_list_and_the_file(door: Door, lumiere: Agency) -> None:
    rename_label(lumiere)
    with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
        audit.record(scope, "asset.cleared", "asset:1")
    cleared = load_catalogue("fr")["audit.asset.cleared"]
    with stream(door.url, door.cookie(lumiere)) as page:
        assert cleared in page.open("/system")
        assert cleared not in page.choose("Domaine", "Créateurs")
        page.choose("Domaine", "Tous les domaines")
        manager = next(
            one for one in page.find("Membre", "selectbox").options if "anager" in one.lower()
        )
        text = page.choose("Membre", manager)
        assert cleared in text
        assert "Asia/Tokyo" not in text


def test_former_member_keeps_their_name(door: Door, lumiere: Agency) -> None:
    with lumiere.scope(lumiere.act_as(Role.CHATTER)) as scope:
        audit.record(scope, "asset.cleared", "asset:1")
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE members SET active = false, name = 'Ancien' WHERE id = :m",
            m=lumiere.members[Role.CHATTER],
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        assert f"Ancien · {load_catalogue('fr')['audit.asset.cleared']}" in page.open("/system")


def test_csv_has_one_line_for_each_change_and_runs_no_formula(lumiere: Agency) -> None:
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        scope.run("UPDATE creators SET name = '=cmd()' WHERE tenant_id = :t", t=lumiere.tenant_id)
    made = render_audit_csv(records(lumiere), {lumiere.act_as(Role.OWNER): "=Owner"})
    (row,) = [one for one in csv.DictReader(io.StringIO(made)) if one["item"] == "creators"]
    assert row["member"] == "'=Owner"
    assert '"name": "=cmd()"' in row["after"]


def test_member_of_some_creators_sees_only_their_entries(door: Door, lumiere: Agency) -> None:
    rename_label(lumiere)
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        zoe = agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="human", zone=ZONE, languages=["fr"]
        )
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        scope.run("UPDATE creators SET zone = 'Asia/Seoul' WHERE id = :id", id=zoe)
        scope.run(
            """UPDATE members SET creators = '["zoe"]' WHERE id = :m""",
            m=lumiere.members[Role.MANAGER],
        )
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        audit.record(scope, "asset.cleared", "asset:1")
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        text = page.open("/system")
    assert "Asia/Seoul" in text
    assert "Asia/Tokyo" not in text
    assert load_catalogue("fr")["audit.asset.cleared"] not in text

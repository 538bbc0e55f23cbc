"""Saved snippets: who sees and changes them, and how they are inserted."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from schedules.drafts import snippets
from schedules.drafts.snippets import Snippet, SnippetKind
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.schedules.builders import ZONE, SandboxAgency


def save(
    lea: SandboxAgency,
    name: str = "Signature",
    text: str = "See you tomorrow",
    *,
    kind: str = "text",
    shared: bool = False,
    member: UUID | None = None,
    key: UUID | None = None,
) -> UUID:
    with lea.scope() as scope:
        return snippets.save_snippet(
            scope,
            member_id=member or lea.manager,
            creator_id=None if shared else lea.creator_id,
            kind=kind,
            name=name,
            text=text,
            key=key or uuid7(),
        )


def names(lea: SandboxAgency, creator_id: UUID | None = None) -> list[str]:
    with lea.scope() as scope:
        found = snippets.list_snippets(scope, creator_id or lea.creator_id)
    return [one.name for one in found]


def other_creator(lea: SandboxAgency) -> UUID:
    with lea.scope() as scope:
        return agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="human", zone=ZONE, languages=("fr",)
        )


def member_of(lea: SandboxAgency, *creators: str) -> UUID:
    with lea.scope() as scope:
        return agencies.add_member(
            scope,
            name="Max",
            email=f"{uuid7()}@example.test",
            role=Role.MANAGER,
            language="fr",
            zone=ZONE,
            creators=creators,
        )


def a_snippet(text: str, kind: SnippetKind = "text") -> Snippet:
    return Snippet(uuid7(), None, kind, "name", text)


def test_snippet_belongs_to_one_creator_or_to_all(lea: SandboxAgency) -> None:
    zoe = other_creator(lea)
    save(lea, "Hers")
    save(lea, "everyone's", shared=True)
    assert names(lea) == ["everyone's", "Hers"]
    assert names(lea, zoe) == ["everyone's"]


def test_member_of_another_creator_changes_no_snippet(lea: SandboxAgency) -> None:
    other_creator(lea)
    max_ = member_of(lea, "zoe")
    hers, shared = save(lea, "Hers"), save(lea, "All", shared=True)
    with pytest.raises(NotFound):
        lea.act(snippets.update_snippet, hers, member_id=max_, name="X", text="x")
    with pytest.raises(Refused):
        lea.act(snippets.delete_snippet, shared, member_id=max_)
    with pytest.raises(Refused):
        save(lea, "Mine", shared=True, member=max_)
    assert names(lea) == ["All", "Hers"]


def test_name_is_unique_and_a_repeated_press_saves_once(lea: SandboxAgency) -> None:
    key = uuid7()
    assert save(lea, key=key) == save(lea, key=key)
    with pytest.raises(Conflict):
        save(lea, " signature ")
    save(lea, "Signature", shared=True)
    assert names(lea) == ["Signature", "Signature"]


def test_changed_snippet_is_cleaned_and_deleted_one_is_gone(lea: SandboxAgency) -> None:
    one = save(lea, "Tags", "#paris, Été #PARIS lac_bleu", kind="hashtags")
    with lea.scope() as scope:
        assert [each.text for each in snippets.list_snippets(scope, lea.creator_id)] == [
            "#paris #Été #lac_bleu"
        ]
    lea.act(snippets.update_snippet, one, member_id=lea.manager, name=" New  name ", text="#nuit")
    assert names(lea) == ["New name"]
    lea.act(snippets.delete_snippet, one, member_id=lea.manager)
    assert names(lea) == []


@pytest.mark.parametrize(
    ("name", "text", "kind", "code"),
    [
        ("", "x", "text", "snippet.name_wrong"),
        ("a\nb\x00", "x", "text", "snippet.name_wrong"),
        ("a", " \x00 ", "text", "snippet.empty"),
        ("a", "x" * 5001, "text", "snippet.too_long"),
        ("a", "#one <b>", "hashtags", "snippet.hashtag_wrong"),
        ("a", "# #", "hashtags", "snippet.empty"),
        ("a", " ".join(f"t{n}" for n in range(61)), "hashtags", "snippet.too_many_hashtags"),
        ("a", "x", "html", "snippet.kind_wrong"),
    ],
)
def test_invalid_snippet_is_refused(
    lea: SandboxAgency, name: str, text: str, kind: str, code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        save(lea, name, text, kind=kind)
    assert refused.value.message.code == code


def test_hashtags_are_not_repeated() -> None:
    tags = a_snippet("#paris #lac #nuit", "hashtags")
    assert snippets.insert_snippet(tags, "") == "#paris #lac #nuit"
    assert snippets.insert_snippet(tags, "Bonsoir #Lac") == "Bonsoir #Lac #paris #nuit"
    assert snippets.insert_snippet(tags, "Bonsoir") == "Bonsoir\n\n#paris #lac #nuit"


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=60),
    st.sampled_from(["Bonne nuit", "#paris #lac"]),
)
def test_inserting_twice_changes_nothing_more(text: str, snippet: str) -> None:
    one = a_snippet(snippet, "hashtags" if snippet.startswith("#") else "text")
    once = snippets.insert_snippet(one, text)
    assert once.startswith(text.rstrip())
    assert snippets.insert_snippet(one, once) == once

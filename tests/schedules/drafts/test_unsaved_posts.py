"""Unsaved fields of several windows: a later change is never overwritten by an earlier one."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.ids import uuid7
from schedules.drafts import unsaved_posts
from schedules.drafts.unsaved_posts import NOT_STORED, UnsavedFields
from tests.schedules.builders import SandboxAgency


def new_fields(lea: SandboxAgency, text: str = "one") -> UnsavedFields:
    return UnsavedFields(uuid7(), lea.creator_id, {"body": text}, "")


def test_second_window_finds_the_fields_of_the_first(lea: SandboxAgency) -> None:
    first = new_fields(lea)
    with lea.scope() as scope:
        version = unsaved_posts.store_fields(scope, lea.author, first, is_new=True)
        assert version
        found = unsaved_posts.find_new_fields(scope, lea.author, creators=[lea.creator_id])
        assert found == replace(first, version=version)
        assert unsaved_posts.find_new_fields(scope, lea.manager, creators=[lea.creator_id]) is None


def test_too_large_fields_keep_the_stored_version(lea: SandboxAgency) -> None:
    first = new_fields(lea)
    with lea.scope() as scope:
        version = unsaved_posts.store_fields(scope, lea.author, first, is_new=True)
        assert version
        body = "x" * unsaved_posts.MAX_FIELDS_LENGTH
        large = replace(first, fields={"body": body}, version=version)
        assert unsaved_posts.store_fields(scope, lea.author, large, is_new=True) == version
        stored = unsaved_posts.load_fields(scope, lea.author, first.subject_id)
    assert stored == replace(first, version=version)


WINDOWS = st.lists(
    st.tuples(st.sampled_from([0, 1]), st.sampled_from(["type", "read", "delete"])), max_size=12
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(WINDOWS)
def test_window_overwrites_only_what_it_has_shown(
    lea: SandboxAgency, steps: list[tuple[int, str]]
) -> None:
    base = new_fields(lea)
    versions = [NOT_STORED, NOT_STORED]
    shown = ["", ""]
    stored = ""
    with lea.scope() as scope:
        for number, (window, step) in enumerate(steps):
            if step == "delete":
                unsaved_posts.delete_fields(scope, lea.author, base.subject_id)
                stored = ""
            elif step == "read":
                found = unsaved_posts.load_fields(scope, lea.author, base.subject_id)
                versions[window] = found.version if found else NOT_STORED
                shown[window] = stored
            else:
                text = f"{window}: {number}"
                typed = replace(base, fields={"body": text}, version=versions[window])
                version = unsaved_posts.store_fields(scope, lea.author, typed, is_new=True)
                assert (version is not None) == (shown[window] == stored)
                if version is not None:
                    versions[window] = version
                    shown[window] = stored = text
            found = unsaved_posts.load_fields(scope, lea.author, base.subject_id)
            assert (found.fields["body"] if found else "") == stored

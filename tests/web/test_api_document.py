"""What the document of the API names, and that its examples are good ones."""

import pytest

from tests.web.builders import Room
from tests.web.test_api_door import DOCUMENT, OPERATIONS
from web.api.common.openapi import COMPONENT_NAMES
from web.api.posts.schemas import PostIn


def test_the_document_names_what_is_there(room: Room) -> None:
    assert {f"{one.method} {one.path}" for one in OPERATIONS} == {
        "GET /creators", "GET /creators/{creator_id}", "GET /channels", "GET "
                                                                        "/channels/{channel_id}",
        "GET /recipes", "POST /recipes", "GET /recipes/{recipe_id}", "PATCH /recipes/{recipe_id}",
        "DELETE /recipes/{recipe_id}", "GET /recipes/{recipe_id}/preview",
        "GET /word-lists", "POST /word-lists", "GET /word-lists/{list_id}", "PATCH "
                                                                            "/word-lists/{list_id}",
        "DELETE /word-lists/{list_id}", "GET /word-lists/{list_id}/versions",
        "GET /runs", "POST /runs", "GET /runs/{run_id}", "POST /runs/{run_id}/stop", "GET "
                                                                                     "/runs/{run_id}/pictures",
        "GET /posts", "POST /posts", "GET /posts/{post_id}", "PATCH /posts/{post_id}",
        "POST /posts/{post_id}/schedule", "POST /posts/{post_id}/approve", "POST "
                                                                           "/posts/{post_id}"
                                                                           "/cancel",
        "POST /posts/{post_id}/reword",
        "GET /deliveries", "GET /deliveries/{delivery_id}", "POST /deliveries/{delivery_id}/move",
        "POST /deliveries/{delivery_id}/importance",
        "POST /deliveries/{delivery_id}/now", "POST /deliveries/{delivery_id}/again",
        "POST /deliveries/{delivery_id}/link", "POST /deliveries/{delivery_id}/remove",
        "POST /deliveries/{delivery_id}/leave", "POST /deliveries/{delivery_id}/once-more",
        "GET /series", "POST /series", "GET /series/{series_id}", "POST /series/{series_id}/change",
        "POST /series/{series_id}/skip", "POST /series/{series_id}/detach", "POST "
                                                                            "/series/{series_id}"
                                                                            "/stop",
        "POST /series/{series_id}/test", "GET /tests", "GET /tests/{test_id}", "POST "
                                                                               "/tests/{test_id}"
                                                                               "/end",
        "GET /labels", "POST /labels", "GET /labels/{label_id}", "PATCH /labels/{label_id}",
        "DELETE /labels/{label_id}", "POST /labels/give", "POST /labels/take",
        "GET /downtimes", "GET /downtimes/{downtime_id}", "POST /downtimes/{downtime_id}/keep",
        "POST /downtimes/{downtime_id}/hold",
        "GET /slots", "POST /slots", "GET /slots/{slot_id}", "DELETE /slots/{slot_id}",
        "GET /queues/{channel_id}", "POST /queues/{channel_id}/fill", "POST "
                                                                      "/queues/{channel_id}"
                                                                      "/take-out",
        "POST /queues/{channel_id}/reorder", "POST /queues/{channel_id}/shuffle", "POST "
                                                                                  "/queues/{channel_id}/forward",
        "GET /holidays", "POST /holidays",
        "GET /quiet", "POST /quiet", "GET /quiet/{quiet_id}", "DELETE /quiet/{quiet_id}",
        "GET /pauses", "GET /pauses/preview", "POST /pauses", "GET /pauses/{pause_id}", "POST "
                                                                                        "/pauses/{pause_id}/end",
        "GET /shifts/preview", "POST /shifts", "GET /shifts/{shift_id}", "POST "
                                                                         "/shifts/{shift_id}/undo",
        "GET /imports", "POST /imports", "GET /imports/{import_id}", "POST "
                                                                     "/imports/{import_id}/apply",
        "POST /imports/{import_id}/undo",
        "GET /media", "GET /media/{media_id}", "GET /media/{media_id}/file", "GET /costs",
        "GET /posts/{post_id}/cost", "DELETE /posts/{post_id}", "POST /uploads", "GET "
                                                                                 "/uploads/{upload_id}",
        "GET /feeds", "POST /feeds", "GET /feeds/{feed_id}", "DELETE /feeds/{feed_id}", "POST "
                                                                                        "/feeds/{feed_id}/pause",
        "POST /feeds/{feed_id}/resume", "POST /copies", "GET /copies/{copy_id}", "POST "
                                                                                 "/copies/{copy_id}/stop",
        "POST /deliveries/{delivery_id}/cancel", "GET /deliveries/{delivery_id}/repeats",
        "POST /deliveries/{delivery_id}/anyway", "POST /deliveries/{delivery_id}/words-again",
        "POST /deliveries/{delivery_id}/words-leave", "POST /deliveries/{delivery_id}/words-say",
        "POST /channels/{channel_id}/test", "POST /ideas/{ideas_id}/dismiss",
        "PATCH /channels/{channel_id}", "POST /channels/{channel_id}/pause", "POST "
                                                                             "/channels/{channel_id}/resume",
        "GET /rehearsals", "POST /rehearsals", "GET /rehearsals/{of_id}", "DELETE "
                                                                          "/rehearsals"
                                                                          "/{of_id}", "GET /outlook",
        "GET /hooks", "POST /hooks", "GET /hooks/{hook_id}", "DELETE /hooks/{hook_id}", "POST "
                                                                                        "/hooks/{hook_id}/pause",
        "POST /hooks/{hook_id}/resume", "POST /hooks/{hook_id}/try", "POST /hooks/{hook_id}/rotate",
        "POST /hooks/{hook_id}/again", "GET /calendar", "GET /calendar.csv", "GET /calendar.ics",
        "GET /pools/{creator_id}", "PATCH /pools/{creator_id}", "POST /pools/{creator_id}/add",
        "POST /pools/{creator_id}/wording", "POST /pools/{creator_id}/take-out", "POST "
                                                                                 "/pools/{creator_id}/pause",
        "POST /pools/{creator_id}/resume", "GET /approvals", "GET /posts/{post_id}/needed",
        "POST /posts/{post_id}/ask-change", "POST /posts/{post_id}/reject", "POST "
                                                                            "/posts/{post_id}"
                                                                            "/withdraw",
        "GET /spares/preview", "POST /spares", "GET /stops", "POST /stops", "GET /comments", "POST /comments",
        "GET /comments/{comment_id}", "POST /comments/{comment_id}/answer", "POST "
                                                                            "/comments/{comment_id}/resolve",
        "POST /comments/{comment_id}/reopen", "GET /weeks", "POST /weeks", "GET /weeks/{week_id}",
        "GET /weeks/lines/{line_id}", "PATCH /weeks/lines/{line_id}", "POST "
                                                                      "/weeks/lines/{line_id}"
                                                                      "/accept",
        "POST /weeks/lines/{line_id}/drop",
        "POST /kits", "GET /kits/{kit_id}", "POST /ideas", "GET /ideas/{ideas_id}",
    }  # fmt: skip
    served_one = room.client.get("/v1/openapi.json", timeout=60).json()
    assert served_one["paths"].keys() == DOCUMENT["paths"].keys()
    assert served_one["servers"] == [{"url": "/v1"}]
    assert room.client.get("/openapi.json").status_code == 404


def test_renamed_classes_keep_their_published_component_names() -> None:
    assert DOCUMENT["components"]["schemas"].keys() >= set(COMPONENT_NAMES.values())
    assert not DOCUMENT["components"]["schemas"].keys() & set(COMPONENT_NAMES)


def test_the_documents_examples_are_good_ones() -> None:
    (example,) = DOCUMENT["components"]["schemas"]["PostIn"]["examples"]
    assert PostIn.model_validate(example).at is not None
    with pytest.raises(ValueError, match="extra"):
        PostIn.model_validate({**example, "unknown": 1})

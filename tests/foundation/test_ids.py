"""Ids sort by birth, also within one millisecond: lanes rely on it."""

from concurrent.futures import ThreadPoolExecutor

from foundation.ids import derived_uuid, uuid7
from foundation.ops.clock import wall_now


def test_ids_of_a_process_grow_strictly() -> None:
    found = [uuid7() for _ in range(20_000)]
    assert found == sorted(found)
    assert len(set(found)) == len(found)


def test_threads_never_share_one() -> None:
    with ThreadPoolExecutor(8) as threads:
        found = [
            one
            for part in threads.map(lambda _: [uuid7() for _ in range(2_000)], range(8))
            for one in part
        ]
    assert len(set(found)) == len(found)


def test_an_id_is_a_uuid_of_version_7_and_tells_its_time() -> None:
    found = uuid7()
    assert (found.version, found.variant) == (7, "specified in RFC 4122")
    assert abs((found.int >> 80) / 1000 - wall_now().timestamp()) < 5


def test_the_same_parts_make_the_same_id() -> None:
    assert derived_uuid("a", 1) == derived_uuid("a", 1) != derived_uuid("a1", "")

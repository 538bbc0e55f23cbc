"""Ids sort by creation time, even within one millisecond; lanes depend on it."""

from concurrent.futures import ThreadPoolExecutor

from foundation.ids import derived_uuid, uuid7
from foundation.ops.clock import wall_now


def test_ids_of_one_process_increase_strictly() -> None:
    found = [uuid7() for _ in range(20_000)]
    assert found == sorted(found)
    assert len(set(found)) == len(found)


def test_ids_of_threads_are_unique() -> None:
    with ThreadPoolExecutor(8) as threads:
        found = [
            one
            for part in threads.map(lambda _: [uuid7() for _ in range(2_000)], range(8))
            for one in part
        ]
    assert len(set(found)) == len(found)


def test_id_is_uuid_version_7_with_its_time() -> None:
    found = uuid7()
    assert (found.version, found.variant) == (7, "specified in RFC 4122")
    assert abs((found.int >> 80) / 1000 - wall_now().timestamp()) < 5


def test_derived_id_is_deterministic() -> None:
    assert derived_uuid("a", 1) == derived_uuid("a", 1) != derived_uuid("a1", "")

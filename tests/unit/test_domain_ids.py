"""Ids, positions and moments: what sorts, and how."""

import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobcontrol_core.domain.ids import TIME_PREFIX_LENGTH, new_id, short_id
from jobcontrol_core.domain.moments import EPOCH, from_micros, to_micros
from jobcontrol_core.domain.positions import FINALIZE_POSITION, ROOT, child_position

MOST = 36**4 - 1
indices = st.integers(0, MOST)


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = uuid.UUID(new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert str(made) == str(uuid.UUID(str(made)))


def test_ids_are_never_the_same() -> None:
    assert len({new_id() for _ in range(10_000)}) == 10_000


def test_ids_sort_by_the_millisecond_of_their_making(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for milliseconds in (0, 1, 999, 1_700_000_000_000, 1_700_000_000_001, (1 << 48) - 1):
        monkeypatch.setattr(time, "time_ns", lambda now=milliseconds: now * 1_000_000 + 999_999)
        made.append(new_id())
    assert made == sorted(made)
    assert int(made[3][:TIME_PREFIX_LENGTH].replace("-", ""), 16) == 1_700_000_000_000


def test_the_short_id_is_the_end_of_the_id() -> None:
    full = new_id()
    assert len(short_id(full)) == 8
    assert full.endswith(short_id(full))


@given(indices, indices)
def test_siblings_sort_in_document_order(first: int, second: int) -> None:
    assert (child_position(ROOT, first) < child_position(ROOT, second)) == (first < second)


@given(st.lists(indices, max_size=6), st.lists(indices, max_size=6))
def test_a_tree_sorts_as_it_is_read(first: list[int], second: list[int]) -> None:
    assert (position(first) < position(second)) == (first < second)


@given(st.lists(indices, max_size=6))
def test_finalize_sorts_behind_everything_and_nothing_before_the_root(path: list[int]) -> None:
    assert "" < ROOT <= position(path) < FINALIZE_POSITION


@pytest.mark.parametrize("index", [MOST + 1, 36**9])
def test_a_child_index_out_of_range_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        child_position(ROOT, index)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_keeps_every_microsecond(moment: datetime) -> None:
    assert from_micros(to_micros(moment)) == moment


def test_moments_count_from_the_epoch() -> None:
    assert to_micros(EPOCH) == 0
    assert to_micros(EPOCH + timedelta(seconds=1)) == 1_000_000
    assert from_micros(-1) == EPOCH - timedelta(microseconds=1)


def position(path: list[int]) -> str:
    found = ROOT
    for index in path:
        found = child_position(found, index)
    return found

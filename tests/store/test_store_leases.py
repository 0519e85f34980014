"""Leases by name: of all servers one at a time leads."""

from datetime import timedelta

from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.leases import drop_lease, take_lease
from jobcontrol_core.store.tables import leases
from store.threads import together

TEN_SECONDS = timedelta(seconds=10)


def take(store: Store, holder: str, duration: timedelta = TEN_SECONDS) -> bool:
    return store.write(take_lease, "dispatch", holder, duration)


def test_a_lease_is_one_holders_at_a_time(store: Store) -> None:
    assert take(store, "a")
    assert not take(store, "b")


def test_its_holder_may_extend_it(store: Store) -> None:
    assert take(store, "a")
    assert take(store, "a")
    assert not take(store, "b")


def test_a_lease_that_ran_out_is_free(store: Store) -> None:
    assert take(store, "a", timedelta(seconds=-1))
    assert take(store, "b")
    assert not take(store, "a")


def test_a_dropped_lease_is_free_at_once_and_only_its_holder_drops_it(store: Store) -> None:
    assert take(store, "a")
    store.write(drop_lease, "dispatch", "b")
    assert not take(store, "b")
    store.write(drop_lease, "dispatch", "a")
    assert take(store, "b")


def test_leases_of_other_names_do_not_meet(store: Store) -> None:
    assert take(store, "a")
    assert store.write(take_lease, "retention", "b", TEN_SECONDS)


def test_of_many_that_want_a_lease_at_once_one_gets_it(store: Store) -> None:
    assert sum(together(8, lambda number: take(store, f"server-{number}"))) == 1
    assert len(store.read(lambda tx: tx.execute(leases.select()).all())) == 1

"""What must be in the database before anything is served: its tables and the pipelines."""

from __future__ import annotations

from collections.abc import Sequence

from jobcontrol_core.settings import Settings
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.pipelines import publish_pipeline
from jobcontrol_migrations import upgrade
from jobcontrol_workers.registry import Registry, load_pipelines


def prepare_database(url: str, targets: Sequence[str]) -> None:
    """Bring the tables up to this release and publish the pipelines. Doing it again does no harm."""
    upgrade(url)
    store = Store(url)
    try:
        publish(store, Registry(load_pipelines(targets), Settings.load()))
    finally:
        store.close()


def publish(store: Store, registry: Registry) -> None:
    """Make the pipelines known to servers. Raises PublishedDifferently where a version must be raised."""
    for spec in registry.specs():
        store.write(publish_pipeline, spec)

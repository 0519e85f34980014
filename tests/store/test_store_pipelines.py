"""Pipelines as their workers publish them."""

from dataclasses import replace
from typing import Any

import pytest

from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.domain.values import DocumentNeed
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.pipelines import PublishedDifferently, get_pipeline, list_pipelines, publish_pipeline
from store.factories import AT_ONCE, pipeline, stages
from store.threads import together


def test_a_published_pipeline_reads_back_as_it_was(store: Store) -> None:
    spec = pipeline(sample=b"# Primer", retry=RetryPolicy(5, 2.0, 3.0, 7.0))
    store.write(publish_pipeline, spec)
    assert store.read(get_pipeline, "learning-path") == spec
    assert store.read(list_pipelines) == [spec]


def test_an_unknown_pipeline_is_none(store: Store) -> None:
    assert store.read(get_pipeline, "learning-path") is None
    assert store.read(list_pipelines) == []


def test_publishing_the_same_version_again_binds_new_builds_to_its_settings(store: Store) -> None:
    store.write(publish_pipeline, pipeline())
    patient = pipeline(stages=stages(RetryPolicy(max_attempts=9), concurrency=8), description="Again")
    store.write(publish_pipeline, patient)
    assert store.read(get_pipeline, "learning-path") == patient


@pytest.mark.parametrize(
    "change",
    [
        {"stages": stages(AT_ONCE, queue="other")},
        {"stages": stages(AT_ONCE, version=2)},
        {"stages": tuple(replace(stage, weight=0.25) for stage in stages())},
        {"stages": stages()[:2] + stages()[3:]},
        {"input_schema": {"type": "object", "required": ["depth"]}},
        {"document": DocumentNeed.REQUIRED},
        {"media_types": ("text/plain",)},
    ],
)
def test_the_same_version_with_other_content_is_refused(store: Store, change: dict[str, Any]) -> None:
    store.write(publish_pipeline, pipeline())
    with pytest.raises(PublishedDifferently, match="version 1"):
        store.write(publish_pipeline, pipeline(**change))
    assert store.read(get_pipeline, "learning-path") == pipeline()
    store.write(publish_pipeline, pipeline(version=2, **change))


def test_the_highest_version_is_the_one_that_new_builds_get(store: Store) -> None:
    for version in (2, 1, 10):
        store.write(publish_pipeline, pipeline(version=version))
    found = store.read(get_pipeline, "learning-path")
    assert found is not None
    assert found.version == 10
    assert [spec.version for spec in store.read(list_pipelines)] == [10]


def test_pipelines_are_listed_by_name_in_pages(store: Store) -> None:
    for name in ("c", "a", "b"):
        for version in (1, 2):
            store.write(publish_pipeline, pipeline(name=name, version=version))
    first = store.read(list_pipelines, limit=2)
    assert [(spec.name, spec.version) for spec in first] == [("a", 2), ("b", 2)]
    assert [spec.name for spec in store.read(list_pipelines, after="b", limit=2)] == ["c"]


def test_many_workers_publish_the_same_pipeline_at_once(store: Store) -> None:
    together(6, lambda _: store.write(publish_pipeline, pipeline()))
    assert store.read(list_pipelines) == [pipeline()]


def test_of_workers_that_publish_different_content_at_once_one_wins(store: Store) -> None:
    def publish(number: int) -> bool:
        try:
            store.write(publish_pipeline, pipeline(stages=stages(queue=f"q-{number}")))
        except PublishedDifferently:
            return False
        return True

    assert sum(together(6, publish)) == 1

"""A path some of whose steps failed: it is assembled from the rest and says what is missing."""

from unit.learning_path.in_process import build

TEXT = """# Book

## First

A *lease* is a claim that ends by itself at a stated time.

### Renewal

A lease is renewed by its holder every few seconds.

## Second

### Fence

A *fence* is a check that refuses a late write to a lease.

### Token

Every fence needs a token, and every token of a fence grows.

## Third

Something else entirely is told here.
"""


async def test_a_failed_decomposition_is_named_as_missing() -> None:
    built = await build(TEXT, failing=[("sub-concepts", "second")])
    assert built.path["missing"] == [{"stage": "sub-concepts", "title": "Second", "lines": {"first": 11, "last": 20}}]
    assert [concept["title"] for concept in built.path["concepts"]] == ["First", "Second", "Third"]
    assert "- Second (lines 11–20)" in built.markdown
    assert "This concept is missing" in built.markdown


async def test_failed_units_are_named_as_missing() -> None:
    built = await build(TEXT, failing=[("knowledge-units", "fence")])
    assert [part["title"] for part in built.path["missing"]] == ["Fence"]
    assert built.path["counts"]["sub_concepts"] == len(built.sub_concepts)
    assert "1 part of the document could not be worked out" in built.markdown


async def test_nothing_builds_on_what_is_missing() -> None:
    whole = await build(TEXT)
    token = next(sub for sub in whole.sub_concepts if sub["key"] == "token")
    assert [need["sub_concept"] for need in token["prerequisites"]] == ["fence"]

    built = await build(TEXT, failing=[("knowledge-units", "fence")])
    token = next(sub for sub in built.sub_concepts if sub["key"] == "token")
    assert token["prerequisites"] == []
    assert ["second", "fence"] not in built.path["order"]


async def test_a_whole_path_misses_nothing() -> None:
    built = await build(TEXT)
    assert built.path["missing"] == []
    assert "Incomplete" not in built.markdown

"""The path that the sample document gives: rich enough to show everything, and right in every detail."""

from collections import Counter
from typing import Any

import pytest
from markdown_it import MarkdownIt

from jobcontrol_workers.pipelines.learning_path import learning_path
from unit.learning_path.in_process import Build, build


@pytest.fixture
def primer() -> str:
    assert learning_path.sample is not None
    return learning_path.sample().decode()


@pytest.fixture
async def built(primer: str) -> Build:
    return await build(primer)


def sub_named(built: Build, title: str) -> Any:
    return next(sub for sub in built.sub_concepts if sub["title"] == title)


async def test_it_is_a_rich_path(built: Build) -> None:
    counts = built.path["counts"]
    assert 6 <= counts["concepts"] <= 9
    assert 25 <= counts["sub_concepts"] <= 40
    assert counts["knowledge_units"] >= 40
    assert counts["questions"] >= counts["knowledge_units"]
    assert built.path["missing"] == []


async def test_every_kind_of_knowledge_occurs(built: Build) -> None:
    kinds = Counter(unit["kind"] for unit in built.units)
    assert set(kinds) == {"definition", "explanation", "example", "procedure", "warning", "reference"}


async def test_lines_lead_back_to_the_text(built: Build, primer: str) -> None:
    lines = primer.splitlines()
    lease = sub_named(built, "Leases")
    assert lines[lease["lines"]["first"] - 1] == "### Leases"
    procedure = next(unit for unit in lease["units"] if unit["kind"] == "procedure")
    text = "\n".join(lines[procedure["first_line"] - 1 : procedure["last_line"]])
    assert text.startswith("What happens to a claimed step when its worker dies?")
    assert text.endswith("a reaper returns the step to the queue.")


async def test_no_line_of_the_primer_is_lost(built: Build, primer: str) -> None:
    covered = {line for unit in built.units for line in range(unit["first_line"], unit["last_line"] + 1)}
    lines = enumerate(primer.splitlines(), 1)
    lost = [
        (number, line) for number, line in lines if line.strip() and not line.startswith("#") and number not in covered
    ]
    assert lost == []


async def test_code_keeps_its_language(built: Build) -> None:
    languages = {code["language"] for unit in built.units for code in unit["code"]}
    assert languages == {"python", "sql", "console"}


async def test_a_term_is_asked_for_by_what_the_text_says_of_it(built: Build) -> None:
    asked = {question["ask"]: question["answer"] for unit in built.units for question in unit["questions"]}
    assert asked["Which term fits: “____ is a rule that turns silence into a verdict”?"] == "A failure detector"
    assert asked["What happens when a process is killed?"].startswith("Nobody raises an exception")
    assert "What does `CRASH_AT=before_commit worker --queue generate-ku` print?" in asked


async def test_no_question_is_asked_twice_within_a_sub_concept(built: Build) -> None:
    for sub in built.sub_concepts:
        asks = [question["ask"] for unit in sub["units"] for question in unit["questions"]]
        assert len(asks) == len(set(asks))


async def test_what_is_claimed_comes_before_what_is_leased(built: Build) -> None:
    needs = sub_named(built, "Leases")["prerequisites"]
    assert [(need["title"], need["terms"], need["comes"]) for need in needs] == [
        ("Claiming a Step", ["claim"], "earlier")
    ]


async def test_the_order_of_reading_names_every_sub_concept_once(built: Build) -> None:
    order = [tuple(place) for place in built.path["order"]]
    assert sorted(order) == sorted((sub["concept"], sub["key"]) for sub in built.sub_concepts)


async def test_the_glossary_sends_its_reader_to_the_definition(built: Build) -> None:
    entries = {entry["term"]: entry for entry in built.path["glossary"]}
    assert entries["zombie"]["meaning"].startswith("Such a worker is called a zombie")
    assert entries["cursor"]["sub_concept"] == "cursors"


async def test_the_rendering_has_contents_whose_links_arrive(built: Build) -> None:
    tokens = MarkdownIt("commonmark").parse(built.markdown)
    inline = [child for token in tokens for child in token.children or []]
    links = {str(child.attrGet("href")) for child in inline if child.type == "link_open"}
    anchors = [link for link in links if link.startswith("#")]
    assert len(anchors) == built.path["counts"]["concepts"] + built.path["counts"]["sub_concepts"]
    assert all(f'<a id="{anchor[1:]}"></a>' in built.markdown for anchor in anchors)


async def test_the_rendering_shows_all_units_and_questions(built: Build) -> None:
    assert built.markdown.count("\n#### ") == built.path["counts"]["knowledge_units"]
    assert built.markdown.count("<details>") == sum(
        1 for sub in built.sub_concepts if any(u["questions"] for u in sub["units"])
    )
    assert "Reading time: " in built.markdown


async def test_equal_text_gives_an_equal_path(built: Build, primer: str) -> None:
    assert (await build(primer)).result == built.result

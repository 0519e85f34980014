"""Documents of every shape: what the outline makes of them."""

import pytest

from jobcontrol.pipeline import InvalidInput
from jobcontrol_workers.pipelines.learning_path.outline import OutlineGenerator
from unit.learning_path.in_process import Build, build

CYRILLIC = (
    "Каждый процесс имеет память. *Аренда* — это право, которое истекает само. Если рабочий умирает, аренда истекает."
)
CHINESE = "租约是一种会自行到期的权利。如果工作进程死亡，租约就会到期。*幂等*是指执行两次与执行一次的效果相同。"
ARABIC = "الإيجار هو حق ينتهي من تلقاء نفسه. إذا مات العامل، ينتهي الإيجار."


def titles(built: Build) -> list[str]:
    return [concept["title"] for concept in built.path["concepts"]]


def sub_titles(built: Build) -> list[str]:
    return [sub["title"] for sub in built.sub_concepts]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t\n",
        "\ufeff",
        "# A\n## B\n",
        "<!-- nothing -->\n",
        "![only](a.png)\n",
        "[a]: b\n",
        "---\ntitle: x\n---\n",
        "***\n",
    ],
)
async def test_a_document_without_text_is_invalid_input(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"nothing to learn from|no text to learn from"):
        await build(text)


async def test_top_headings_are_the_concepts_where_there_are_several() -> None:
    built = await build("# One\n\nText.\n\n## Inner\n\nText.\n\n# Two\n\nText.\n\n# Three\n\nText.\n")
    assert titles(built) == ["One", "Two", "Three"]
    assert built.path["title"] == "document"


async def test_under_a_single_top_heading_the_next_level_gives_the_concepts() -> None:
    built = await build("# Book\n\n## One\n\nText.\n\n### Inner\n\nText.\n\n## Two\n\nText.\n\n## Three\n\nText.\n")
    assert titles(built) == ["One", "Two", "Three"]
    assert built.path["title"] == "Book"


async def test_one_level_of_headings_gives_one_sub_concept_each() -> None:
    built = await build("".join(f"## Topic {number}\n\nText about it.\n\n" for number in range(12)))
    assert titles(built) == sub_titles(built) == [f"Topic {number}" for number in range(12)]


async def test_skipped_levels_are_as_good_as_any() -> None:
    built = await build("# One\n\n#### Deep\n\nText.\n\n## Less deep\n\nText.\n\n# Two\n\nText.\n\n# Three\n\nText.\n")
    assert titles(built) == ["One", "Two", "Three"]
    assert sub_titles(built)[:2] == ["Deep", "Less deep"]


async def test_underlined_headings_count() -> None:
    built = await build("One\n===\n\nText.\n\nTwo\n===\n\nText.\n\n- item\n---\n\nThree\n===\n\nText.\n")
    assert titles(built) == ["One", "Two", "Three"]


@pytest.mark.parametrize("fence", ["```", "~~~~"])
async def test_a_hash_in_code_is_no_heading(fence: str) -> None:
    built = await build(
        f"# One\n\n{fence}sh\n# comment\n## more\n{fence}\n\nText.\n\n# Two\n\nText.\n\n# Three\n\nText.\n"
    )
    assert titles(built) == ["One", "Two", "Three"]
    assert built.units[0]["code"][0] == {"language": "sh", "text": "# comment\n## more", "caption": "", "file": ""}


async def test_a_document_without_headings_is_one_concept() -> None:
    built = await build("A *lease* is a claim that ends by itself.\n\nIt is renewed now and then.\n")
    assert titles(built) == ["A lease is a claim that ends by itself"]
    assert built.units[0]["kind"] == "definition"


async def test_a_long_document_without_headings_is_cut_between_paragraphs() -> None:
    paragraph = "A worker claims a step and renews its lease while the handler runs. " * 12
    built = await build("\n\n".join(f"{paragraph}Number {number}." for number in range(80)))
    assert 3 <= len(titles(built)) <= 12
    assert len(set(titles(built))) == len(titles(built))
    first_lines = [sub["lines"]["first"] for sub in built.sub_concepts]
    assert all(line % 2 == 1 for line in first_lines), "paragraphs stand on odd lines"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_line_ends_of_every_kind_count_the_same(end: str) -> None:
    text = "# One\n\nText of one.\n\n# Two\n\nText of two.\n\n# Three\n\nText of three.\n".replace("\n", end)
    built = await build(text)
    assert [(unit["first_line"], unit["last_line"], unit["body"]) for unit in built.units] == [
        (3, 3, "Text of one."),
        (7, 7, "Text of two."),
        (11, 11, "Text of three."),
    ]


async def test_a_byte_order_mark_hides_no_heading() -> None:
    built = await build("\ufeff# One\n\nText.\n\n# Two\n\nText.\n\n# Three\n\nText.\n")
    assert titles(built) == ["One", "Two", "Three"]


async def test_front_matter_gives_the_title_and_is_no_text() -> None:
    built = await build('---\ntitle: "Named"\ntags: [a]\n---\n\nSome text to read.\n')
    assert built.path["title"] == "Named"
    assert [unit["body"] for unit in built.units] == ["Some text to read."]


async def test_two_rules_around_prose_are_no_front_matter() -> None:
    built = await build("---\n\nA first paragraph.\n\n---\n\nA second one.\n")
    assert "A first paragraph." in built.units[0]["body"]


async def test_equal_headings_get_keys_of_their_own() -> None:
    built = await build("# A\n\nText one.\n\n# A\n\nText two.\n\n# A\n\n## S\n\nThree.\n\n## S\n\nFour.\n")
    assert [concept["key"] for concept in built.path["concepts"]] == ["a", "a-2", "a-3"]
    assert [sub["key"] for sub in built.path["concepts"][2]["sub_concepts"]] == ["s-1-of-2", "s-2-of-2"]


async def test_a_heading_without_text_is_left_out_and_named() -> None:
    built = await build("# One\n\nText.\n\n# Empty\n\n# Two\n\nText.\n\n# Three\n\nText.\n")
    assert titles(built) == ["One", "Two", "Three"]
    assert [(part["title"], part["first_line"]) for part in built.path["left_out"]] == [("Empty", 5)]


async def test_recaps_and_apparatus_are_left_out_and_named() -> None:
    built = await build(
        "# One\n\nText.\n\n## Part\n\nText.\n\n## Summary\n\nAgain.\n\n# Two\n\nText.\n\n# Licence\n\nLegal text.\n"
    )
    assert titles(built) == ["One", "Two"]
    assert [part["title"] for part in built.path["left_out"]] == ["Summary", "Licence"]


async def test_a_document_that_is_only_a_summary_is_read_all_the_same() -> None:
    built = await build("# Summary\n\nThe whole of it.\n")
    assert titles(built) == ["Summary"]


async def test_a_table_is_for_reference_and_asked_by_its_cells() -> None:
    built = await build(
        "# T\n\nThe codes are these:\n\n| Code | Meaning |\n|---|---|\n| 404 | not found |\n| 503 | busy |\n"
    )
    (unit,) = built.units
    assert unit["kind"] == "reference"
    assert unit["questions"][0] == {
        "ask": "In the table, what stands under “Meaning” for “503” (Code)?",
        "answer": "busy",
        "form": "table",
    }


async def test_html_leaves_its_text_and_nothing_else() -> None:
    built = await build(
        "# H\n\n<div><p>Words worth reading here.</p></div>\n\n<script>alert(1)</script>\n\n<!-- no -->\n"
    )
    assert [unit["body"] for unit in built.units] == ["Words worth reading here."]


async def test_links_and_pictures_leave_their_text() -> None:
    built = await build(
        "# L\n\nSee [the *guide*][g], [`a[0]`][x] and ![a picture](p.png) [this](b.md).[^1]\n\n[g]: http://example.org/g\n"
    )
    assert built.units[0]["body"] == "See [the *guide*](http://example.org/g), `a[0]` and this."


async def test_code_that_is_only_named_is_said_to_be_elsewhere() -> None:
    built = await build("# C\n\nLook at it:\n\n```rust\n{{#include ../src/main.rs:here}}\n```\n")
    assert built.units[0]["code"] == []
    assert "`../src/main.rs`" in built.units[0]["body"]


async def test_nested_lists_fold_into_their_items() -> None:
    built = await build("# N\n\n- outer words\n  - inner words\n    ```py\n    x = 1\n    ```\n- second item\n")
    assert "- outer words inner words\n- second item" in built.units[0]["body"]


@pytest.mark.parametrize(("text", "term"), [(CYRILLIC, "Аренда"), (CHINESE, "幂等"), (ARABIC, "الإيجار")])
async def test_terms_are_found_in_other_scripts(text: str, term: str) -> None:
    built = await build(f"# 1\n\n{text}\n")
    assert any(term in unit["defines"] for unit in built.units)
    asked = [question for unit in built.units for question in unit["questions"]]
    assert any("____" in question["ask"] and question["answer"] == term for question in asked)


@pytest.mark.parametrize(
    "text",
    ["word and more about leases. " * 38_000, "x" * 1_000_000, CHINESE * 4_000, "> a quoted line\n" * 20_000],
    ids=["sentences", "one word", "chinese", "one quotation"],
)
async def test_an_enormous_paragraph_is_cut_into_readable_stretches(text: str) -> None:
    built = await build(text)
    assert len(built.sub_concepts) >= 20
    assert max(len(unit["body"]) for unit in built.units) < 20_000
    assert sum(len(unit["body"]) for unit in built.units) > len(text) * 0.8, "nothing of it is lost"


async def test_a_code_block_of_a_megabyte_is_shown_by_its_beginning() -> None:
    built = await build("# A\n\n```\n" + "code line\n" * 100_000 + "```\n\nText after it.\n")
    assert max(len(unit["body"]) for unit in built.units) < 20_000
    assert any("Text after it." in unit["body"] for unit in built.units)


def test_fifty_thousand_headings_are_bundled() -> None:
    text = "".join(f"# Heading {number}\n\nText {number}.\n\n" for number in range(50_000))
    generator = OutlineGenerator()
    outline = generator.outline(text)
    assert 60 <= len(outline.concepts) <= 120
    assert outline.concepts[0].span.start == 0
    assert outline.concepts[-1].span.end == len(text)

    last = generator.sub_concepts(text, outline.concepts[-1])
    assert 30 <= len(last) <= 60
    assert generator.units(text, last[-1])[-1].body == "Text 49999."

"""Sentences, titles and words in any script."""

import pytest

from jobcontrol_workers.pipelines.learning_path.outline.sentences import clip, sentences
from jobcontrol_workers.pipelines.learning_path.outline.words import normal, slug, unique, word_count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three?", 3),
        ("Use e.g. this one. Or i.e. that, cf. Fig. 3 of it.", 2),
        ("Call `a.b. C` now. Then stop.", 2),
        ("It costs 3.50 in all. Yes.", 2),
        ("He said “Stop.” Then he left.", 2),
        ("Это первое. Это второе, т.е. последнее.", 2),
        ("第一句。第二句！第三句？", 3),
        ("هل هذا سؤال؟ نعم. هذا جواب.", 3),
        ("no end", 1),
        ("", 0),
    ],
)
def test_sentences_end_where_they_end(text: str, count: int) -> None:
    found = sentences(text)
    assert len(found) == count
    assert "".join("".join(found).split()) == "".join(text.split())


@pytest.mark.parametrize(
    "text", ["short", "a much longer text, with a clause, that goes on and on", "x" * 50, "a `b c d e f g h i j k` l"]
)
def test_a_clipped_text_keeps_its_limit_and_its_code_spans(text: str) -> None:
    clipped = clip(text, 24)
    assert len(clipped) <= 24
    assert clipped.count("`") % 2 == 0
    assert text.startswith(clipped.rstrip("…"))


@pytest.mark.parametrize(
    ("text", "count"),
    [("two words", 2), ("don’t re-run it", 3), ("租约到期", 2), ("Каждый процесс", 2), ("", 0), ("— … —", 0)],
)
def test_words_are_counted_in_any_script(text: str, count: int) -> None:
    assert word_count(text) == count


@pytest.mark.parametrize(
    ("one", "other"), [("Leases", "lease"), ("`Retry`", "retry"), ("Policies", "policy"), ("Class", "class")]
)
def test_forms_of_a_word_are_the_same_term(one: str, other: str) -> None:
    assert normal(one) == normal(other)


@pytest.mark.parametrize(
    ("title", "key"),
    [("The `String` Type", "the-string-type"), ("Аренда", "аренда"), ("!?", "section"), ("Don’t", "dont")],
)
def test_keys_are_made_from_titles(title: str, key: str) -> None:
    assert slug(title) == key


def test_a_taken_key_gets_a_number() -> None:
    taken: set[str] = set()
    assert [unique("a", taken) for _ in range(3)] == ["a", "a-2", "a-3"]

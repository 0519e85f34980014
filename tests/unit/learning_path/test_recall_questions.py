"""Questions for recall: made from what a text says, and from nothing else."""

from typing import Any

import pytest

from unit.learning_path.in_process import build

LONG_DEFINITION = (
    "A *lease* is a claim that ends by itself unless somebody renews it in time, "
    "again and again, for as long as needed."
)


async def asked_of(text: str) -> dict[str, str]:
    built = await build(f"# Chapter\n\n{text}\n")
    return {question["ask"]: question["answer"] for unit in built.units for question in unit["questions"]}


@pytest.mark.parametrize(
    ("text", "ask", "answer"),
    [
        (
            LONG_DEFINITION,
            "What is a lease?",
            LONG_DEFINITION.replace("*", ""),
        ),
        (
            "A *doorbell* is a short message that carries no news.",
            "Which term fits: “____ is a short message that carries no news”?",
            "A doorbell",
        ),
        (
            "Two workers hold the same step for a while. This is called a *split claim*.",
            "Which term is missing: “Two workers hold the same step for a while. This is called a ____.”",
            "split claim",
        ),
        (
            "The second write is refused because its token is older than the first one.",
            "Why is the second write refused?",
            "Because its token is older than the first one.",
        ),
        (
            "Workers renew their leases because silence would be taken for death. Dead workers renew nothing.",
            "Why is it that workers renew their leases?",
            "Because silence would be taken for death.",
        ),
        (
            "Because the counter is a known, guarded number, only one worker sees zero.",
            "Why is it that only one worker sees zero?",
            "Because the counter is a known, guarded number.",
        ),
        (
            "When the lease runs out, the reaper returns the step to the queue.",
            "What happens when the lease runs out?",
            "The reaper returns the step to the queue.",
        ),
        (
            "If a handler never returns, you should end its process.",
            "What should you do if a handler never returns?",
            "You should end its process.",
        ),
        (
            "To spread a herd over time, add a random share to each wait.",
            "How do you spread a herd over time?",
            "Add a random share to each wait.",
        ),
        (
            "A cursor lets you resume a stream where it broke.",
            "What does a cursor let you do?",
            "Resume a stream where it broke.",
        ),
        (
            "Never use a timestamp as a cursor. Two events can bear the same one.",
            "Why should you never use a timestamp as a cursor?",
            "Two events can bear the same one.",
        ),
        (
            "Use a counter like `retry_after`:\n\n```python\nwait = policy.retry_after(attempt)\n```",
            "Which name is missing from this line of the Python code: `wait = policy.____(attempt)`",
            "`retry_after`",
        ),
        (
            "Ask the tool for its version:\n\n```console\n$ tool --version\ntool 1.2.3\n```",
            "What does `tool --version` print?",
            "`tool 1.2.3`",
        ),
        (
            "Do these steps:\n\n1. Stop the worker.\n2. Copy the file.\n3. Start the worker.",
            "Which step follows this one: “Stop the worker”?",
            "Copy the file",
        ),
    ],
)
async def test_a_sentence_that_says_it_outright_is_asked_about(text: str, ask: str, answer: str) -> None:
    asked = await asked_of(text)
    assert asked.get(ask) == answer, asked


@pytest.mark.parametrize(
    "text",
    [
        "It does this because they need it.",
        "If it does, then that will be the end of it for them.",
        "In this chapter, we’ll look at the following example.",
        "To do so, press the button over there.",
        "A lot of people are a fact of life.",
        "Short text.",
        "Is this a question, or what is it?",
    ],
)
async def test_a_sentence_that_cannot_stand_alone_is_not_asked_about(text: str) -> None:
    assert await asked_of(text) == {}


async def test_a_gap_prefers_a_name_to_an_everyday_word() -> None:
    asked = await asked_of("The supervisor calls `renew_lease` every three seconds for all of its many children.")
    assert asked == {
        "Fill the gap: “The supervisor calls ____ every three seconds for all of its many children.”": "`renew_lease`"
    }


async def test_a_gap_does_not_give_away_what_the_title_says() -> None:
    built = await build(
        "# The `renew` call\n\nEach `renew` moves the field `lease_until` of one process a little further on.\n"
    )
    (question,) = built.units[0]["questions"]
    assert question["answer"] == "`lease_until`"


def kinds(built: Any) -> list[tuple[str, str]]:
    return [(unit["kind"], unit["title"]) for unit in built.units]


@pytest.mark.parametrize(
    ("text", "kind", "title"),
    [
        ("A *lease* is a claim that ends by itself.", "definition", "Lease"),
        ("The holder renews it and nothing else happens.", "explanation", "Chapter"),
        ("For example:\n\n```python\ndef renew(lease):\n    lease.extend()\n```", "example", "Chapter: `renew`"),
        ("Follow these steps:\n\n1. Stop it.\n2. Start it.", "procedure", "Chapter"),
        ("> **Warning:** Never run it twice.", "warning", "Never run it twice"),
        ("> [!CAUTION]\n> Mind the gap between the two.", "warning", "Mind the gap between the two"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "reference", "Chapter"),
        ("- `GET`: read it\n- `PUT`: write it\n- `DELETE`: drop it", "reference", "Chapter"),
        ("There are three cases:\n\n1. The first one.\n2. The second one.", "explanation", "Chapter"),
    ],
)
async def test_the_kind_of_a_unit_follows_from_its_blocks(text: str, kind: str, title: str) -> None:
    built = await build(f"# Chapter\n\n{text}\n")
    assert kinds(built) == [(kind, title)]


async def test_a_caption_names_its_example() -> None:
    listing = '<Listing number="1" file-name="a.py" caption="Renewing a lease">'
    built = await build(f"# C\n\n{listing}\n\n```python\nrenew()\n```\n\n</Listing>\n")
    (unit,) = built.units
    assert (unit["kind"], unit["title"]) == ("example", "Renewing a lease")
    assert unit["code"] == [{"language": "python", "text": "renew()", "caption": "Renewing a lease", "file": "a.py"}]


async def test_a_summary_is_a_sentence_of_the_text() -> None:
    text = "This is how it goes. The reaper looks for leases that have run out. It needs a clock."
    built = await build(f"# Reaper\n\n{text}\n")
    assert built.units[0]["summary"] == "The reaper looks for leases that have run out."

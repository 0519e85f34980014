"""What is kept beside the states: large values, dead letters, alerts."""

import json
import re
from typing import Any

import pytest
from sqlalchemy import Connection, Row, Table, event, func, select

from jobcontrol_core.domain.lifecycle import FailureReason, JobStatus
from jobcontrol_core.domain.outcomes import NewChild, Succeeded
from jobcontrol_core.domain.values import ErrorInfo
from jobcontrol_core.store.blobs import INLINE_LIMIT, digest_of, get_blob
from jobcontrol_core.store.lookup import get_step, read_outputs, read_result_digests
from jobcontrol_core.store.outcomes import fingerprint_of
from jobcontrol_core.store.tables import alerts, blobs, dead_letters
from store.builds import Builds, tree
from store.factories import SUB_CONCEPTS, children, failed, succeeded
from store.threads import together


def count(builds: Builds, table: Table) -> int:
    found = builds.store.read(lambda tx: tx.execute(select(func.count()).select_from(table)).scalar_one())
    return int(found)


LONG = '"' + "x" * INLINE_LIMIT + '"'


@pytest.mark.parametrize(
    ("text", "is_kept_as_blob"),
    [
        ('"short"', False),
        ('"' + "x" * (INLINE_LIMIT - 2) + '"', False),
        ('"' + "x" * (INLINE_LIMIT - 1) + '"', True),
        ('"' + "é" * (INLINE_LIMIT // 2 - 1) + '"', False),
        ('"' + "é" * (INLINE_LIMIT // 2) + '"', True),
    ],
)
def test_an_output_beyond_8_kib_is_kept_as_a_blob_and_reads_the_same(
    builds: Builds, text: str, is_kept_as_blob: bool
) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    builds.end((root, succeeded(output=text)))
    assert count(builds, blobs) == is_kept_as_blob
    assert builds.store.read(get_step, job_id, root.step.id).output == text
    assert builds.store.read(read_outputs, job_id, 0, after="", limit=1) == [("0", text)]


def test_a_long_input_reaches_the_handler_whole(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 3, input=LONG)
    assert [one.input for one in builds.claim(job_id, SUB_CONCEPTS)] == [LONG] * 3
    assert count(builds, blobs) == 1


def test_equal_values_are_kept_once_over_all_builds(builds: Builds) -> None:
    for number in range(3):
        job_id = builds.start(path_id=f"path-{number}")
        builds.end((builds.claim_one(job_id), succeeded(output=LONG)))
    assert count(builds, blobs) == 1


def test_a_result_is_kept_in_every_rendering(builds: Builds) -> None:
    job_id = builds.start()
    builds.end((builds.claim_one(job_id), succeeded()))
    result = Succeeded('{"concepts":[]}', renderings={"text/markdown": b"# Path\n"})
    builds.end((builds.claim_one(job_id), result))
    status, digests = builds.store.read(read_result_digests, job_id)
    assert status is JobStatus.COMPLETED
    found = {media_type: builds.store.read(get_blob, digest) for media_type, digest in digests.items()}
    assert found == {"application/json": b'{"concepts":[]}', "text/markdown": b"# Path\n"}


def test_builds_that_keep_the_same_values_in_other_orders_never_block_each_other(builds: Builds) -> None:
    builds.is_audited = False
    texts = [json.dumps(str(number) * INLINE_LIMIT) for number in range(8)]
    jobs = [builds.start(path_id=f"path-{number}") for number in range(4)]
    for job_id in jobs:
        builds.fan_out(job_id, len(texts))

    def end_in_turned_order(number: int) -> None:
        claimed = builds.claim(jobs[number])
        turned = [texts[(index + number * 3) % len(texts)] for index in range(len(claimed))]
        born = [(NewChild(2, "only", "Only", turned[-1 - index]),) for index in range(len(claimed))]
        ends = zip(claimed, turned, born, strict=True)
        builds.end(*((one, succeeded(output=output, born=only)) for one, output, only in ends))

    together(4, end_in_turned_order)
    assert count(builds, blobs) == len(texts)


def test_a_transaction_keeps_all_its_values_at_once_in_the_one_order_that_all_share(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 4)
    texts = [json.dumps(str(number) * INLINE_LIMIT) for number in range(4)]
    claimed = builds.claim(job_id)
    inserts: list[list[str]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("INSERT INTO blobs"):
            inserts.append(re.findall(r"\b[0-9a-f]{64}\b", repr(parameters)))

    event.listen(builds.store.engine, "before_cursor_execute", note)
    builds.end(
        *(
            (one, succeeded(output=text, born=(NewChild(2, "only", "Only", other),)))
            for one, text, other in zip(claimed, texts, reversed(texts), strict=True)
        )
    )
    assert inserts == [sorted(digest_of(text.encode()) for text in texts)]


def test_a_step_out_of_tries_leaves_a_dead_letter_and_an_alert_in_the_same_commit(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    claimed = builds.claim_one(job_id, SUB_CONCEPTS)
    builds.end((claimed, failed("no model 7", is_final=True)))
    letter, alert = builds.store.read(_letter_and_alert)
    assert (letter.job_id, letter.step_id, letter.queue) == (job_id, claimed.step.id, "learning-path-sub-concepts")
    assert (letter.failure, letter.tries, letter.error["message"]) == ("HANDLER_ERROR", 1, "no model 7")
    assert letter.fingerprint == fingerprint_of(ErrorInfo("ValueError", "no model 8"))
    assert (alert.job_id, alert.sent_at, alert.payload["step"]) == (job_id, None, claimed.step.id)
    assert alert.payload["message"] == "Step failed permanently: Child 0"
    assert alert.payload["error"] == "ValueError: no model 7"
    assert alert.payload["data"]["path_id"] == "rust-101"


# POISONED is said by the engine alone, of a step whose process has ended often enough.
@pytest.mark.parametrize("reason", [reason for reason in FailureReason if reason is not FailureReason.POISONED])
def test_a_failed_step_says_why(builds: Builds, reason: FailureReason) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    claimed = builds.claim_one(job_id, SUB_CONCEPTS)
    builds.end((claimed, failed(is_final=True, reason=reason)))
    assert builds.step(claimed).failure is reason


def test_a_step_that_may_be_tried_again_leaves_no_dead_letter(builds: Builds) -> None:
    job_id = builds.start()
    builds.end((builds.claim_one(job_id), failed()))
    assert count(builds, dead_letters) == 0
    assert count(builds, alerts) == 0


def test_errors_that_differ_in_numbers_alone_are_one_group() -> None:
    assert fingerprint_of(ErrorInfo("E", "at 12:30, try 4")) == fingerprint_of(ErrorInfo("E", "at 7:05, try 11"))
    assert fingerprint_of(ErrorInfo("E", "at noon")) != fingerprint_of(ErrorInfo("F", "at noon"))
    assert fingerprint_of(ErrorInfo("E", "at noon")) != fingerprint_of(ErrorInfo("E", "at night"))


def test_children_of_every_size_run_to_the_end(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    long_and_short = children(SUB_CONCEPTS, 1, key="short") + children(SUB_CONCEPTS, 1, key="long", input=LONG)
    builds.end((root, succeeded(born=long_and_short)))
    assert builds.run(job_id, tree()).status is JobStatus.COMPLETED
    assert builds.store.read(get_blob, digest_of(LONG.encode())) == LONG.encode()


def _letter_and_alert(tx: Connection) -> tuple[Row[Any], Row[Any]]:
    return tx.execute(dead_letters.select()).one(), tx.execute(alerts.select()).one()

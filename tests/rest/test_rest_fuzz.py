"""The server against its own OpenAPI document: schemathesis asks what the document allows, and what it does not.

All its default checks are on. Requests that the document allows may still be refused for what no schema can say of
one value by itself; those refusals are held to the reasons below, so that none hides a constraint that it could say.
"""

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import requests
import schemathesis
from schemathesis import Case, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from jobcontrol_server.rest.document import rest_document
from jobcontrol_server.rpc.validation import SERVED
from rest.another_form import is_another_form
from rest.living_site import LivingSite, living_site
from store.builds import tree

#: Refusals that depend on more than the request, or on a text's own grammar.
BEYOND_SCHEMAS = {
    "FILTER_INVALID",
    "JOB_ID_AMBIGUOUS",
    "JOB_NOT_PAUSABLE",
    "JOB_NOT_RETRYABLE",
    "JOB_NOT_TERMINAL",
    "JOB_TERMINAL",
    "PAGE_TOKEN_INVALID",
    "PAGE_TOKEN_MISMATCH",
    "REQUEST_ID_REUSED",
    "RESULT_NOT_READY",
}
#: Faults of fields that depend on other fields, on the pipeline, or on an order that patterns do not know.
BEYOND_PATTERNS = re.compile(
    r"must hold at least one condition|must not be set together with|is required,? unless|must not differ from"
    r"|must not be less than|names no limit|must be at (least|most) [0-9.e+]+s$|must be at most \d+ bytes"
    # The dollar of a pattern lets a last line break pass in Python, which makes these requests.
    r"|must not hold control characters"
)
#: A 64-bit number is a string, of which a pattern can bound the digits and not the value.
WIDE_RANGE = re.compile(r"expected a whole number from -9223372036854775808 to")
#: Whatever these hold, the pipeline decides about it.
OF_PIPELINE = re.compile(r"(parameters|document)\b")
CONFIG = {
    "seed": 4711,
    "generation": {
        "max-examples": 4,
        "deterministic": True,
        "database": "none",
        "allow-x00": False,
        # GET ignores what it does not know, as grpc-gateway does; the document says so.
        "allow-extra-parameters": False,
    },
    "checks": {
        # 400 is held to BEYOND_SCHEMAS and BEYOND_PATTERNS, below.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "400", "401", "403", "404", "409", "429"]},
    },
}

AnyCase = Case[Any]
places = count()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivingSite]:
    url = f"sqlite+pysqlite:///{tmp_path_factory.mktemp('fuzz') / 'jobcontrol.db'}"
    with living_site(url) as living:
        yield living


@pytest.fixture(scope="module")
def job_ids(site: LivingSite) -> list[str]:
    """Jobs in several states, and one that is not there."""
    ids = [start(site, path_id) for path_id in ("pending", "paused", "cancelled", "completed")]
    for job_id, verb in zip(ids[1:3], ("pause", "cancel"), strict=True):
        requests.post(f"{site.url}/v1/jobs/{job_id}:{verb}", json={}, timeout=10).raise_for_status()
    site.server.worker.run(ids[3], tree(2, 1))
    return [*ids, "0" * 32]


def start(site: LivingSite, path_id: str) -> str:
    answer = requests.post(f"{site.url}/v1/jobs", json={"pathId": path_id, "document": {"sample": True}}, timeout=10)
    return str(answer.json()["jobId"])


api = schemathesis.openapi.from_dict(rest_document(needs_token=False), config=SchemathesisConfig.from_dict(CONFIG))


@api.include(lambda context: context.operation.definition.raw["x-rpc"].rpartition("/")[2] in SERVED).parametrize()
def test_the_server_does_what_its_document_says(case: AnyCase, site: LivingSite, job_ids: list[str]) -> None:
    """Send the case, to a job that is there if the job's name is as it should be, and check the answer."""
    document, operation = case.operation.schema.raw_schema, case.operation.definition.raw
    is_positive = case.meta is None or case.meta.generation.mode is GenerationMode.POSITIVE
    if not is_positive and isinstance(case.body, dict) and is_another_form(document, operation, case.body):
        return
    if is_positive and "job_id" in case.path_parameters:
        case.path_parameters["job_id"] = job_ids[next(places) % len(job_ids)]
    is_stream = "application/x-ndjson" in operation["responses"]["200"]["content"]
    # A watch of a job that nobody works on would go on for ever.
    response = case.call(base_url=site.url, headers={"Grpc-Timeout": "300m"} if is_stream else None)
    if is_stream and response.status_code == 504:
        return
    case.validate_response(response)
    if is_positive and response.status_code == 400:
        refuse_only_what_no_schema_says(response)


def refuse_only_what_no_schema_says(response: Response) -> None:
    told = response.json()
    # A stream that is refused says so on a line of its own kind.
    status = told.get("error", told)
    details = {detail["@type"].rpartition(".")[2]: detail for detail in status["details"]}
    if WIDE_RANGE.search(status["message"]):
        return
    assert "ErrorInfo" in details, f"the gateway refused what its document allows: {status['message']}"
    if details["ErrorInfo"]["reason"] in BEYOND_SCHEMAS:
        return
    faults = details["BadRequest"]["fieldViolations"]
    said = [f for f in faults if not (BEYOND_PATTERNS.search(f["description"]) or OF_PIPELINE.match(f["field"]))]
    assert said == [], "a schema could have said this"

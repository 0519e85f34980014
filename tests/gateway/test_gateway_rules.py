"""Every rule of the gateway, case by case, over real sockets and a real gRPC server."""

from collections import Counter

import pytest

from gateway import (
    cases_answers,
    cases_bodies,
    cases_headers,
    cases_hostile,
    cases_paths,
    cases_queries,
    cases_streams,
    cases_values,
)
from gateway.cases import RULES, Case
from gateway.served import Site

TABLES = [
    cases_paths,
    cases_queries,
    cases_bodies,
    cases_values,
    cases_answers,
    cases_headers,
    cases_streams,
    cases_hostile,
]
CASES: list[Case] = [case for table in TABLES for case in table.CASES]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_the_gateway_keeps_its_rules(case: Case, zoo_site: Site, shared_site: Site) -> None:
    await case.check(shared_site if case.of_shared else zoo_site)


def test_every_rule_has_cases_and_no_case_stands_twice() -> None:
    assert sorted({case.rule for case in CASES}) == RULES
    assert [claim for claim, times in Counter(case.id for case in CASES).items() if times > 1] == []

"""What the grammar of http.proto allows in a path template, and what is refused when the template is read."""

import pytest

from jobcontrol_server.gateway.templates import TemplateInvalid, Variable, Wildcard, parse_template

ONE, REST = Wildcard.ONE, Wildcard.REST


@pytest.mark.parametrize(
    ("text", "segments", "variables", "verb"),
    [
        ("/jobs", ("jobs",), (), None),
        ("/v1/jobs/{job_id}", ("v1", "jobs", ONE), (Variable("job_id", 2, 3, True),), None),
        ("/v1/{job.id=*}:stop", ("v1", ONE), (Variable("job.id", 1, 2, True),), "stop"),
        ("/v1/{name=shelves/*/books/*}", ("v1", "shelves", ONE, "books", ONE), (Variable("name", 1, 5, False),), None),
        ("/v1/{name=files/**}:read", ("v1", "files", REST), (Variable("name", 1, None, False),), "read"),
        ("/{kind=fixed}/**", ("fixed", REST), (Variable("kind", 0, 1, True),), None),
        ("/*/{a}/{b}", (ONE, ONE, ONE), (Variable("a", 1, 2, True), Variable("b", 2, 3, True)), None),
        ("/caf%C3%A9/a.b~c@d", ("caf%C3%A9", "a.b~c@d"), (), None),
    ],
)
def test_a_template_is_its_segments_its_variables_and_its_verb(
    text: str, segments: tuple[object, ...], variables: tuple[Variable, ...], verb: str | None
) -> None:
    template = parse_template(text)

    assert (template.segments, template.variables, template.verb) == (segments, variables, verb)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "begin with a slash"),
        ("v1/jobs", "begin with a slash"),
        ("/", "no segment"),
        ("/jobs/", "no segment"),
        ("//jobs", "no segment"),
        ("/jobs/{id", "no segment"),
        ("/jobs/id}", "no segment"),
        ("/jobs/a{id}", "no segment"),
        ("/jobs/{id=}", "no segment"),
        ("/jobs/{a={b}}", "no segment"),
        ("/jobs/a*", "no segment"),
        ("/jobs/***", "no segment"),
        ("/jobs/a b", "no segment"),
        ("/jobs/%zz", "no segment"),
        ("/jobs/a:b:stop", "no segment"),
        ("/jobs?x=1", "no segment"),
        ("/jobs:", "no verb"),
        ("/jobs/{id}:st*p", "no verb"),
        ("/**/jobs", "follow **"),
        ("/{a=**}/{b}", "follow **"),
        ("/jobs/{}", "no path of fields"),
        ("/jobs/{1st}", "no path of fields"),
        ("/jobs/{a..b}", "no path of fields"),
        ("/jobs/{a.}", "no path of fields"),
        ("/{id}/{id}", "bound twice"),
    ],
)
def test_a_template_that_cannot_work_is_refused_when_it_is_read(text: str, reason: str) -> None:
    with pytest.raises(TemplateInvalid) as refused:
        parse_template(text)

    assert refused.value.template == text
    assert reason in refused.value.reason

"""The OpenAPI document of our REST API, with the comments of proto/, which the build keeps beside this module."""

import json
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from jobcontrol_server.gateway.bindings import bindings_of
from jobcontrol_server.gateway.openapi import openapi_document
from jobcontrol_server.rest.constraints import json_constraints, refused_names
from jobcontrol_server.rest.contract import BODY_STREAMS, EVENT_STREAMS, IDEMPOTENCY_FIELD, SERVICES

_DESCRIPTION = """\
Durable job control for long, fanned-out builds. Every route calls one RPC of jobcontrol.v1; routes under /v1 and the
plain ones bind the same fields."""


def rest_document(*, needs_token: bool) -> dict[str, Any]:
    """The document of what this version serves; with `needs_token`, every call needs a bearer token."""
    comments = json.loads(files(__package__).joinpath("contract_comments.json").read_text(encoding="utf-8"))
    return openapi_document(
        bindings_of(SERVICES),
        title="jobcontrol",
        version=version("jobcontrol"),
        description=_DESCRIPTION,
        comments=comments,
        constraints=json_constraints(),
        event_streams=EVENT_STREAMS,
        body_streams=BODY_STREAMS,
        idempotency_field=IDEMPOTENCY_FIELD,
        needs_token=needs_token,
        left_out=refused_names(),
    )

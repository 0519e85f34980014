"""Validation: what the contract asks of requests, as tables, and the reading of what they bring.

The rows of `constraints` are the `Validation:` lines of proto/, those of `served` its "Not served
yet" marks; tests hold them to each other. All functions are pure.
"""

from jobcontrol_server.rpc.validation.constraints import CONSTRAINTS
from jobcontrol_server.rpc.validation.documents import document_violations, media_type_of
from jobcontrol_server.rpc.validation.parameters import parameter_violations, to_dict
from jobcontrol_server.rpc.validation.requests import not_yet, violations
from jobcontrol_server.rpc.validation.retries import other_input_violations
from jobcontrol_server.rpc.validation.served import NOT_YET, SERVED

__all__ = [
    "CONSTRAINTS",
    "NOT_YET",
    "SERVED",
    "document_violations",
    "media_type_of",
    "not_yet",
    "other_input_violations",
    "parameter_violations",
    "to_dict",
    "violations",
]

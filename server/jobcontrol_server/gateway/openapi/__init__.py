"""The OpenAPI 3.1 document of annotated services, made from the very table that the gateway routes by."""

from jobcontrol_server.gateway.openapi.document import openapi_document

__all__ = ["openapi_document"]

"""The API's description for programs, `GET /openapi.json`; the report's schema comes from the code that decodes it."""

from functools import cache
from typing import Any, Final

import msgspec

from neilats import __version__
from prober.compact import MEDIA_TYPE
from prober.wire import Reply, Report

__all__ = ["document"]

_ERROR: Final = {"$ref": "#/components/schemas/Error"}
_TEXT: Final = {"type": "string"}
_GUARDED: Final = (401, 403, 503)
"""Answers that any call may get where the settings ask callers who they are; a 503: that cannot be known now."""

_SCHEMES: Final = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "a Kubernetes token for one of `audiences`; with `api_auth: required`, or for reports with "
        "`report_auth: token`",
    },
    "certificate": {"type": "mutualTLS", "description": "a client certificate that `client_ca` signed"},
}
_BLOCKS: Final = {
    "description": "blocks",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
_NUMBER: Final = {"type": ["number", "string", "null"], "description": 'null: unknown; "inf": lost throughout'}


@cache
def document() -> dict[str, Any]:
    """The whole OpenAPI 3.1 document of the cluster listener."""
    (report, reply), schemas = msgspec.json.schema_components(
        [Report, Reply], ref_template="#/components/schemas/{name}"
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "neilats extender", "version": __version__},
        "paths": {
            "/v1/report": {"post": _report(report, reply)},
            "/v1/scores": {"post": _operation("Score nodes towards a peer", _SCORES, _object("nodes"), 404)},
            "/v1/windows/{source}/{target}": {
                "get": _operation("One path's window", None, _object("rtt_ms"), 404),
                **_path("source", "target"),
            },
            "/v1/matrix": {
                "get": _operation("Every known path", None, _object("paths")),
                **_query("source", "target", "estimates"),
            },
            "/v1/recording": {
                "get": {
                    "summary": "What is ingested from now on, as blocks of the recording format, until the client goes",
                    "responses": {"200": _BLOCKS, **_errors(*_GUARDED)},
                }
            },
            "/v1/decisions": {
                "get": _operation("The latest decisions", None, _object("decisions")),
                **_query("limit", "namespace"),
            },
            "/v1/decisions/{namespace}/{pod}": {
                "get": _operation("A pod's decisions", None, _object("decisions"), 404),
                **_path("namespace", "pod"),
            },
            "/v1/placements": {
                "get": _operation("Whether placed pods' promises are kept now", None, _object("pods"), 400, 503),
                **_query("namespace", "pod", "state"),
            },
            "/predict/{pair}": {
                "post": _operation("The old plugin's future score", _PREDICT, _SCORE, 404),
                **_path("pair"),
            },
            "/adf_score": {"post": _operation("The old plugin's ADF score", _ADF, _SCORE)},
            "/health": {"get": _operation("The old plugin's health call", None, _object("status"))},
            "/healthz": {"get": _operation("Alive", None, _object("status"))},
            "/readyz": {"get": _operation("Ready, or 503 with the reasons", None, _object("status"))},
            "/metrics": {
                "get": {
                    "summary": "Prometheus metrics",
                    "responses": {"200": {"description": "text format"}, **_errors(*_GUARDED)},
                }
            },
        },
        "security": [{"token": []}, {"certificate": []}, {}],
        "components": {"schemas": {**schemas, "Error": _object("error")}, "securitySchemes": _SCHEMES},
    }


def _report(report: Any, reply: Any) -> dict[str, Any]:
    """The probers' call, whose body may also be in the compact form, which no JSON schema describes."""
    operation = _operation("Take a prober's samples; answer with its targets", report, reply, 404, 409, 413)
    operation["requestBody"]["content"][MEDIA_TYPE] = {"schema": {"type": "string", "format": "binary"}}
    operation["responses"]["200"]["headers"] = {
        name: {"schema": _TEXT, "description": "what the next report may be"} for name in ("Accept", "Accept-Encoding")
    }
    operation["responses"]["503"]["headers"] = {
        "Retry-After": {"schema": {"type": "integer"}, "description": "seconds; with too many reports at once"}
    }
    return operation | {"security": [{"token": []}, {}]}


def _object(*required: str) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "additionalProperties": True}


def _operation(summary: str, request: Any, response: Any, *errors: int) -> dict[str, Any]:
    responses = _errors(*_GUARDED, *errors, *((400, 413, 415) if request else ()))
    operation = {"summary": summary, "responses": {"200": _content(response, "ok"), **responses}}
    return operation | ({"requestBody": {**_content(request), "required": True}} if request else {})


def _errors(*codes: int) -> dict[str, Any]:
    return {str(code): _content(_ERROR, "refused; says what and where") for code in sorted(set(codes))}


def _content(schema: Any, description: str = "") -> dict[str, Any]:
    body: dict[str, Any] = {"content": {"application/json": {"schema": schema}}}
    return body | ({"description": description} if description else {})


def _path(*names: str) -> dict[str, Any]:
    return {"parameters": [{"name": n, "in": "path", "required": True, "schema": _TEXT} for n in names]}


def _query(*names: str) -> dict[str, Any]:
    return {"parameters": [{"name": n, "in": "query", "required": False, "schema": _TEXT} for n in names]}


_SCORES: Final = {
    "type": "object",
    "required": ["peer"],
    "properties": {
        "peer": _TEXT,
        "sla_ms": {"type": ["number", "null"], "exclusiveMinimum": 0},
        "nodes": {"type": ["array", "null"], "items": _TEXT},
        "profile": _TEXT,
    },
}
_LATENCY: Final = {
    "type": "array",
    "items": {"type": ["number", "null"], "minimum": 0},
    "description": "ms, oldest first",
}
_ADF: Final = {"type": "object", "required": ["latency"], "properties": {"latency": _LATENCY}}
_PREDICT: Final = {
    "type": "object",
    "required": ["latency", "sla_time"],
    "properties": {"latency": {**_LATENCY, "minItems": 30, "maxItems": 30}, "sla_time": {"type": ["number", "string"]}},
}
_SCORE: Final = {"type": "object", "required": ["score"], "properties": {"score": {"type": "number"}}}

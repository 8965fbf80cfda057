"""The OpenAPI document: what the resolver knows of its routes, and what it does not say by itself."""

from typing import Any

from pydantic import BaseModel

_PROBLEM = {
    "type": "object",
    "required": ["title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what to do about it."},
        "parameter": {"type": "string", "description": "The parameter to mend."},
    },
}
_REFUSALS = {
    "400": "A parameter has to be mended",
    "401": "A token is missing, or is not taken",
    "403": "The token lacks a scope",
    "429": "Too many requests",
    "503": "No answer now: try again in a minute",
}
_TOO_MUCH = {"413": "Too much for one answer"}
_MORE = {
    "/v1/messages/{identifier}": {"404": "Nothing is known of this id"},
    "/v1/queue/{queue_id}": {"404": "Nothing is known of this id"},
    "/v1/suppressions/{address}": {
        "404": "Not on the list",
        "501": "There are no AWS credentials here",
        "502": "SES refused to answer",
    },
}


def completed(document: dict[str, Any], models: dict[str, type[BaseModel]]) -> dict[str, Any]:
    """The resolver's document with each parameter's limits, the refusals as they are, and the token that is needed."""
    document["components"] = {
        "schemas": {"Problem": _PROBLEM},
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    }
    document["security"] = [{"token": []}]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, models.get(f"{method} {path}"))
            names = {one["name"] for one in operation.get("parameters", ())}
            operation["responses"] = _responses(path, method, names)
    return document


def _complete(operation: dict[str, Any], model: type[BaseModel] | None) -> None:
    known = model.model_json_schema()["properties"] if model and model.model_fields else {}
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            said = known[parameter["name"]]
            first = next((one for one in said.get("anyOf", ()) if one.get("type") != "null"), said)
            kept = ("type", "enum", "minimum", "maximum", "minLength", "maxLength", "default")
            parameter["schema"] = {
                name: value for name, value in {**said, **first}.items() if name in kept and value is not None
            }


def _responses(path: str, method: str, parameters: set[str]) -> dict[str, Any]:
    refusals = _REFUSALS | _MORE.get(path, {}) | (_TOO_MUCH if parameters & {"format", "limit"} else {})
    body = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    content: dict[str, Any] = {"application/json": {"schema": {"type": "object"}}}
    if "format" in parameters:
        content["text/csv"] = {"schema": {"type": "string"}}
    good = (
        {"204": {"description": "Done"}}
        if method == "delete"
        else {"200": {"description": "The answer", "content": content}}
    )
    return good | {code: {"description": text, "content": body} for code, text in sorted(refusals.items())}

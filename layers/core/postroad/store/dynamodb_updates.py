"""What grows a record, as UpdateItem requests.

All of them may be sent twice: they add to sets, and set what is set already or what is less than what stands there.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from postroad.codec import Key
from postroad.growth import Growth
from postroad.store.dynamodb_table import LOOKUP, PROBLEM, expiry

# An attribute's value in DynamoDB's own form: `{"S": "..."}`.
Values = dict[str, dict[str, Any]]
Request = dict[str, Any]

_EXPIRES = "expires_at"
# What keeps its least value, each with what is set with it: `at` says when a record ends.
_LEAST = ((LOOKUP,), ("at", _EXPIRES), (PROBLEM,))


class Updates:
    """Makes the requests for one table."""

    def __init__(self, table_name: str, retention: timedelta) -> None:
        """Records of the table end so long after they began."""
        self._table = table_name
        self._retention = retention

    def grow(self, key: Key, growth: Growth) -> Request:
        """Add facts and states, and set what follows from the key, unless the record says a lesser thing already."""
        adds, said = _adds(growth), self._said(growth)
        return self._request(key, _grow(tuple(adds), tuple(said)), adds | said)

    def add(self, key: Key, growth: Growth) -> Request:
        """Add facts and states, and set what the record does not say yet."""
        adds, said = _adds(growth), self._said(growth)
        return self._request(key, _add(tuple(adds), tuple(said)), adds | said)

    def lower(self, key: Key, growth: Growth) -> list[Request]:
        """Set each thing that is less than what the record says; a request whose condition fails changes nothing."""
        said = self._said(growth)
        return [
            self._request(key, _lower(names), {name: said[name] for name in names})
            for names in _LEAST
            if names[0] in said
        ]

    def _request(self, key: Key, form: Request, values: Values) -> Request:
        return form | {
            "TableName": self._table,
            "Key": {"pk": {"S": key.pk}, "sk": {"S": key.sk}},
            "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
        }

    def _said(self, growth: Growth) -> Values:
        said = {LOOKUP: growth.lookup, "at": growth.at, PROBLEM: growth.problem}
        values: Values = {name: {"S": value} for name, value in said.items() if value}
        if growth.at:
            values[_EXPIRES] = {"N": str(expiry(growth.at, self._retention))}
        return values


def _adds(growth: Growth) -> Values:
    facts: Values = {"facts": {"SS": sorted(growth.texts)}}
    # An empty set is no set to DynamoDB.
    return facts | {"states": {"SS": sorted(growth.states)}} if growth.states else facts


# There are a dozen forms in all: a request differs from another of its form in its values only.


@lru_cache
def _grow(adds: tuple[str, ...], said: tuple[str, ...]) -> Request:
    least = " AND ".join(
        f"(attribute_not_exists(#{name}) OR #{name} >= :{name})" for name in said if name != _EXPIRES
    )
    form = _form(adds, said, lambda name: f":{name}")
    return form | {"ConditionExpression": least} if least else form


@lru_cache
def _add(adds: tuple[str, ...], said: tuple[str, ...]) -> Request:
    return _form(adds, said, lambda name: f"if_not_exists(#{name}, :{name})")


@lru_cache
def _lower(names: tuple[str, ...]) -> Request:
    return _form((), names, lambda name: f":{name}") | {"ConditionExpression": f"#{names[0]} > :{names[0]}"}


def _form(adds: tuple[str, ...], sets: tuple[str, ...], value: Callable[[str], str]) -> Request:
    clauses: Mapping[str, list[str]] = {
        "ADD": [f"#{name} :{name}" for name in adds],
        "SET": [f"#{name} = {value(name)}" for name in sets],
    }
    return {
        "UpdateExpression": " ".join(f"{verb} {', '.join(of)}" for verb, of in clauses.items() if of),
        # Some of the names are words of DynamoDB's own.
        "ExpressionAttributeNames": {f"#{name}": name for name in (*adds, *sets)},
    }

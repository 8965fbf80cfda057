"""A client's own work for a write to DynamoDB: processor time, while another process answers the requests at once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import reduce
from operator import and_
from typing import Any
from unittest.mock import patch

import boto3
from pynamodb.connection import TableConnection
from pynamodb.connection.base import MetaTable
from pynamodb.expressions.operand import Path

from bench import ordinary
from bench.harness import ROOT, Asked, Contender, here, main, middle, rounds, table_of
from bench.tables import Goal, Table
from postroad import ingest
from postroad.codec import Key
from postroad.growth import Growth, grown
from postroad.store.dynamodb import DynamoDBStore
from postroad.syslog import Carrier

ONE, MANY = "Postroad, one record at a time", "Postroad, a batch on its threads"
BOTO3, PYNAMODB = "boto3's client.update_item", "pynamodb's update_item"
_TABLE, _WRITES = "postroad", 400
_AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


def row(asked: Asked) -> Table:
    """Measure: the same growths of records, by each client."""
    growths = dict(list(_growths())[:_WRITES])
    with (
        patch.dict(os.environ, _AWS),
        _answering() as url,
        DynamoDBStore(_TABLE, retention=timedelta(days=90), host=url) as store,
    ):
        client: Any = boto3.client("dynamodb", endpoint_url=url)
        connection = _connection(url)
        contenders = [
            Contender(
                ONE, here(lambda: [store.add({key: growth}) for key, growth in growths.items()]), _WRITES
            ),
            Contender(MANY, here(lambda: store.add(growths)), _WRITES),
            Contender(
                BOTO3, here(lambda: [client.update_item(**_update(*one)) for one in growths.items()]), _WRITES
            ),
            Contender(PYNAMODB, here(lambda: [_save(connection, *one) for one in growths.items()]), _WRITES),
        ]
        for contender in contenders:
            contender.run()  # connections, and what is made at the first call
        found = table_of(contenders, rounds(contenders, asked.rounds), scale=1e6, unit="µs/write")
    goal = Goal("Against boto3, one at a time", middle(found, ONE) / middle(found, BOTO3), "≤", 0.6)
    note = "Each client makes the same update: two sets grow, four attributes are set, on a condition."
    return Table("Processor time of a write to DynamoDB", asked.command, found, [goal], [note])


@contextmanager
def _answering() -> Iterator[str]:
    """Start the other process; gives its address."""
    command = [sys.executable, "-m", "bench.answering"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip() if process.stdout else ''}"
        finally:
            process.kill()


def _growths() -> Iterator[tuple[Key, Growth]]:
    """What ordinary messages add, as the relay's payloads and SES's batches bring it."""
    for one in ordinary.ordinary(_WRITES, 1.0, 7):
        lines = [said.text.encode() for said in one.lines]
        yield from grown(ingest.relay(lines, Carrier("2026-02-25T12:00:00.000Z"), "").facts).items()
        for event in one.events:
            yield from grown(ingest.ses([event.text], "").facts).items()


def _update(key: Key, growth: Growth) -> dict[str, Any]:
    """The update as a user of boto3 writes it down."""
    said = {"lookup": growth.lookup, "at": growth.at, "problem": growth.problem}
    known = {name: value for name, value in said.items() if value}
    sets = [f"#{name} = :{name}" for name in (*known, "expires_at")]
    adds = ["facts :facts", *(["states :states"] if growth.states else [])]
    return {
        "TableName": _TABLE,
        "Key": {"pk": {"S": key.pk}, "sk": {"S": key.sk}},
        "UpdateExpression": f"ADD {', '.join(adds)} SET {', '.join(sets)}",
        "ConditionExpression": " AND ".join(
            f"(attribute_not_exists(#{name}) OR #{name} >= :{name})" for name in known
        ),
        "ExpressionAttributeNames": {f"#{name}": name for name in (*known, "expires_at")},
        "ExpressionAttributeValues": {
            ":facts": {"SS": sorted(growth.texts)},
            ":expires_at": {"N": "1779753600"},
            **({":states": {"SS": sorted(growth.states)}} if growth.states else {}),
            **{f":{name}": {"S": value} for name, value in known.items()},
        },
    }


def _connection(url: str) -> TableConnection:
    """Pynamodb's lower half: a Model would ask for the whole item back (its issue 1219), and read it."""
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    table = MetaTable({"TableName": _TABLE, "KeySchema": keys, "AttributeDefinitions": attributes})
    return TableConnection(_TABLE, host=url, meta_table=table)


def _save(connection: TableConnection, key: Key, growth: Growth) -> object:
    """The update as a user of pynamodb writes it down."""
    said = {"lookup": growth.lookup, "at": growth.at, "problem": growth.problem}
    known = [(Path(name), {"S": value}) for name, value in said.items() if value]
    parts = [path.does_not_exist() | (path >= value) for path, value in known]
    adds = [Path("facts").add({"SS": sorted(growth.texts)})]
    adds += [Path("states").add({"SS": sorted(growth.states)})] if growth.states else []
    sets = [path.set(value) for path, value in known]
    actions = [*adds, *sets, Path("expires_at").set({"N": "1779753600"})]
    return connection.update_item(key.pk, key.sk, actions, reduce(and_, parts))


if __name__ == "__main__":
    main("writes", row)

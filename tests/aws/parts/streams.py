"""A table's stream, read as Lambda reads it: in order, each record once."""

from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient


class TableStream:
    """Reads on from where it stopped."""

    def __init__(self, table: str, endpoint_url: str | None = None) -> None:
        self._client: DynamoDBStreamsClient = boto3.client("dynamodbstreams", endpoint_url=endpoint_url)
        dynamodb = boto3.client("dynamodb", endpoint_url=endpoint_url)
        self.arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        self._iterators: dict[str, str | None] = {}

    def records(self) -> list[dict[str, Any]]:
        """What has come since the last time, in the form of a Lambda event's records."""
        found: list[dict[str, Any]] = []
        for shard in self._client.describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"]:
            found += self._of(shard["ShardId"])
        return found

    def _of(self, shard: str) -> list[dict[str, Any]]:
        if shard not in self._iterators:
            started = self._client.get_shard_iterator(
                StreamArn=self.arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
            )
            self._iterators[shard] = started["ShardIterator"]
        found: list[dict[str, Any]] = []
        while iterator := self._iterators[shard]:
            answer = self._client.get_records(ShardIterator=iterator, Limit=1000)
            self._iterators[shard] = answer.get("NextShardIterator")
            found += answer["Records"]  # type: ignore[arg-type]
            if not answer["Records"]:
                break
        return found

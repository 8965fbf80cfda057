"""List prices of us-east-1 in US dollars, each with the day it was read as the list price and the vendor's page.

Free tiers are left out everywhere: they help the smallest user only, and most end after a year. Without taxes,
discounts and committed-use plans.
"""

from collections.abc import Sequence
from typing import NamedTuple

REGION = "us-east-1"
GB = 10**9  # bytes, as AWS's log and storage meters round; a binary gigabyte would be 7 % cheaper
MILLION = 10**6
HOURS_A_MONTH = 730


class Price(NamedTuple):
    """Dollars for `per` units (requests, bytes, byte-months, gigabyte-seconds, things a month)."""

    usd: float
    per: float
    unit: str
    read: str  # year and month at which it was the list price
    page: str

    def of(self, amount: float) -> float:
        """What so much costs, in dollars."""
        return self.usd * amount / self.per

    def __str__(self) -> str:
        """As the page of prices has it: `$0.625 a million write units`."""
        return f"${self.usd:g} {self.unit}"


_AWS = "https://aws.amazon.com"
_DYNAMODB, _CLOUDWATCH = f"{_AWS}/dynamodb/pricing/on-demand/", f"{_AWS}/cloudwatch/pricing/"
_LAMBDA = f"{_AWS}/lambda/pricing/"
_SES = f"{_AWS}/ses/pricing/"

WRITE_UNIT = Price(0.625, MILLION, "a million write units", "2024-11", _DYNAMODB)
READ_UNIT = Price(0.125, MILLION, "a million read units", "2024-11", _DYNAMODB)
TABLE_STORAGE = Price(0.25, GB, "a GB and month of table", "2024-11", _DYNAMODB)
POINT_IN_TIME = Price(0.20, GB, "a GB and month of point-in-time recovery", "2024-11", _DYNAMODB)
# The other table class: writes a quarter dearer, storage at two fifths.
WRITE_UNIT_IA = Price(0.78, MILLION, "a million write units, Standard-IA", "2024-11", _DYNAMODB)
TABLE_STORAGE_IA = Price(0.10, GB, "a GB and month of table, Standard-IA", "2024-11", _DYNAMODB)
WRITE_CAPACITY = Price(
    0.00065 * HOURS_A_MONTH,
    1,
    "a month for one provisioned write a second",
    "2024-11",
    f"{_AWS}/dynamodb/pricing/provisioned/",
)
STREAM_READ = Price(0.0, MILLION, "for Lambda's reads of a stream", "2024-11", _DYNAMODB)
AGED_OUT = Price(0.0, MILLION, "for what time-to-live deletes", "2024-11", _DYNAMODB)

SNS_PUBLISH = Price(0.50, MILLION, "a million publishes of 64 KB", "2026-06", f"{_AWS}/sns/pricing/")
SNS_TO_SQS = Price(0.0, MILLION, "for deliveries to SQS", "2026-06", f"{_AWS}/sns/pricing/")
SQS_REQUEST = Price(0.40, MILLION, "a million requests of 64 KB", "2026-03", f"{_AWS}/sqs/pricing/")
EVENT_BUS = Price(
    0.0, MILLION, "for AWS's own events on the default bus", "2026-03", f"{_AWS}/eventbridge/pricing/"
)

INVOCATION = Price(0.20, MILLION, "a million invocations", "2026-09", _LAMBDA)
ARM_SECOND = Price(0.0000133334, 1, "a GB-second, arm64", "2026-09", _LAMBDA)
X86_SECOND = Price(0.0000166667, 1, "a GB-second, x86_64", "2026-09", _LAMBDA)

LOG_INGEST = Price(0.50, GB, "a GB of logs taken in", "2026-05", _CLOUDWATCH)
LOG_INGEST_IA = Price(0.25, GB, "a GB of logs taken in, Infrequent Access", "2026-06", _CLOUDWATCH)
LOG_STORAGE = Price(0.03, GB, "a GB and month of logs, compressed", "2026-05", _CLOUDWATCH)
SUBSCRIPTION = Price(0.0, GB, "for a subscription to Lambda", "2026-05", _CLOUDWATCH)
METRIC = Price(0.30, 1, "a month for a custom metric", "2026-05", _CLOUDWATCH)
ALARM_METRIC = Price(0.10, 1, "a month for a metric in an alarm", "2026-05", _CLOUDWATCH)
DASHBOARD = Price(3.00, 1, "a month for a dashboard", "2026-05", _CLOUDWATCH)

API_REQUEST = Price(
    1.00, MILLION, "a million requests of the HTTP API", "2026-05", f"{_AWS}/api-gateway/pricing/"
)
KEY = Price(1.00, 1, "a month for a customer-managed key", "2026-05", f"{_AWS}/kms/pricing/")
SECRET = Price(0.40, 1, "a month for a secret", "2026-05", f"{_AWS}/secrets-manager/pricing/")

# What is not ours to pay for, and what others take.
DELIVERABILITY_MANAGER = Price(
    70.0, MILLION, "a million messages, Virtual Deliverability Manager", "2026-07", _SES
)
SENDING = Price(100.0, MILLION, "a million recipients, SES itself", "2026-07", _SES)

# Logs of Lambda functions come by the tier: so many bytes a month at so much a GB.
FUNCTION_LOG_TIERS: Sequence[tuple[float, float]] = (
    (10_000 * GB, 0.50),
    (20_000 * GB, 0.25),
    (20_000 * GB, 0.10),
    (float("inf"), 0.05),
)
FUNCTION_LOG_PAGE, FUNCTION_LOG_READ = _CLOUDWATCH, "2025-05"


def function_logs(size: float) -> float:
    """What a month's logs of all functions cost to take in, by their bytes."""
    total = 0.0
    for tier, usd in FUNCTION_LOG_TIERS:
        taken = min(size, tier)
        total += taken / GB * usd
        size -= taken
    return total


def listed() -> list[Price]:
    """Every price of this module, for the page that shows them."""
    return [price for price in globals().values() if isinstance(price, Price)]

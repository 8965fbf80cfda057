"""What template.yaml promises: kept and encrypted, retried and not lost, and nobody may more than needed."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from postroad.api_auth import PREFIX, SCOPES
from postroad.api_sign_in import sign_in
from tests.aws.sam import ROOT, TEMPLATE, Stack, source, stack

FUNCTIONS = {
    "RelayLogs": "relay_logs",
    "SesEvents": "ses_events",
    "UnifiedLog": "unified_log",
    "LinkDeadline": "link_deadline",
    "QueryApi": "query_api",
}
ENVIRONMENT = {
    "RelayLogs": {"TABLE_NAME", "RETENTION_DAYS", "ON_FAILURE_QUEUE_URL", "LOG_ZONE"},
    "SesEvents": {
        "TABLE_NAME",
        "RETENTION_DAYS",
        "DEADLINE_QUEUE_URL",
        "DEADLINE_SECONDS",
        "EVENTS_DEAD_LETTERS_URL",
        "RELAY_HOSTS",
    },
    "UnifiedLog": {"UNIFIED_LOG_GROUP", "SENDER_DOMAINS"},
    "LinkDeadline": {"TABLE_NAME", "RETENTION_DAYS"},
    "QueryApi": {
        "TABLE_NAME",
        "RETENTION_DAYS",
        "API_SECRET",
        "SIGN_IN_ISSUER",
        "SIGN_IN_CLIENT_ID",
        "SIGN_IN_AUTHORIZE_ENDPOINT",
        "SIGN_IN_TOKEN_ENDPOINT",
        "SIGN_IN_LOGOUT_ENDPOINT",
        "SIGN_IN_SCOPE",
    },
}
# What a function reads its settings by, beside its own folder.
READS_BY = {"QueryApi": "layers/core/postroad/api*.py"}
TOPICS = "arn:aws:sns:eu-west-1:123456789012:"
TWO_WEEKS = 14 * 24 * 3600


@pytest.fixture(scope="module")
def made() -> Stack:
    return stack()


@pytest.fixture(scope="module")
def mappings(made: Stack) -> dict[str, dict[str, Any]]:
    return {of["FunctionName"]: of for of in made.of_type("AWS::Lambda::EventSourceMapping").values()}


# --- as a template ---------------------------------------------------------------------------------------------------


def test_cfn_lint_has_nothing_to_say() -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([lint, TEMPLATE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_parameter_is_described_ordered_and_used() -> None:
    template = source()
    parameters = template["Parameters"]
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(parameters)
    assert all(of["Description"].endswith(".") for of in parameters.values())
    assert [name for name, of in parameters.items() if "Default" not in of] == ["RelayLogGroup1"]
    rest = json.dumps(
        {key: of for key, of in template.items() if key not in {"Parameters", "Metadata"}}, default=str
    )
    assert [name for name in parameters if name not in rest] == []


def test_every_default_is_allowed() -> None:
    for name, of in source()["Parameters"].items():
        if "Default" in of:
            assert re.fullmatch(of.get("AllowedPattern", ".*"), str(of["Default"])), name
            assert of["Default"] in of.get("AllowedValues", [of["Default"]]), name
            assert "AllowedPattern" not in of or "ConstraintDescription" in of, name


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("RelayFilterPattern", ['?"postfix/" ?"sendmail["'], []),
        (
            "LogZone",
            ["Europe/Paris", "America/Argentina/Buenos_Aires", "Etc/GMT+5"],
            ["", "Europe/", "../zone"],
        ),
        ("RelayHosts", ["mx1.example.com", "mx1,mx2", "mx1, mx2"], ["mx1;mx2", "mx1,"]),
        ("ConfigurationSet", ["relay-mail_1"], ["relay mail", "a" * 65]),
        ("SenderDomains", ["example.com,example.org"], ["@example.com", "example.com,"]),
        ("AlarmEmail", ["ops@example.com"], ["ops", "ops@example", "a b@example.com"]),
        (
            "JwtIssuer",
            ["https://login.example.com/tenant/v2.0"],
            ["http://login.example.com", "https://x.example/", "https://x.example/?a"],
        ),
        ("JwtAudience", ["console", "console,cli"], ["console, cli", "console,"]),
        ("SignInClientId", ["", "1example23456789"], ["a client"]),
        (
            "SignInAuthorizeEndpoint",
            ["https://login.example.com/authorize"],
            # The page puts its own query behind it.
            ["http://login.example.com/authorize", "https://login.example.com/authorize?tenant=a"],
        ),
        ("SignInTokenEndpoint", ["https://login.example.com/token"], ["http://login.example.com/token"]),
        (
            "SignInLogoutEndpoint",
            ["https://login.example.com/logout?returnTo=https://console.example.com/"],
            ["javascript:alert(1)"],
        ),
        ("SignInScope", ["", "openid postroad/read.masked"], ["openid  email", "openid ", 'openid "email"']),
    ],
)
def test_what_a_parameter_takes(parameter: str, good: list[str], bad: list[str]) -> None:
    pattern = source()["Parameters"][parameter].get("AllowedPattern", ".*")
    assert [text for text in good if not re.fullmatch(pattern, text)] == []
    assert [text for text in bad if re.fullmatch(pattern, text)] == []


@pytest.mark.parametrize(
    "key",
    [
        "BatchSize",
        "MaxValue",
        "MaximumBatchingWindowInSeconds",
        "MaximumConcurrency",
        "MaximumEventAgeInSeconds",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
        "MemorySize",
        "MessageRetentionPeriod",
        "ParallelizationFactor",
        "PendingWindowInDays",
        "ReservedConcurrentExecutions",
        "RetentionInDays",
        "ThrottlingBurstLimit",
        "ThrottlingRateLimit",
        "Timeout",
        "VisibilityTimeout",
        "maxReceiveCount",
    ],
)
def test_a_number_has_its_reason_beside_it(key: str) -> None:
    lines = re.findall(rf"^.*\b{key}: (?:[0-9]|!If).*$", TEMPLATE.read_text(), re.MULTILINE)
    reasoned = [line for line in lines if " # " in line or (key == "MaxValue" and line.endswith(" 100"))]
    assert lines == reasoned != []


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"RelayLogGroup2": "/mail/two", "RelayLogGroup3": "/mail/three", "AlarmEmail": "ops@example.com"},
        {"ConfigurationSet": "relay", "TrackOpensAndClicks": "true", "ReserveConcurrency": "false"},
        {"JwtIssuer": "https://login.example.com", "JwtAudience": "console,cli"},
        {"JwtIssuer": "https://login.example.com", "JwtAudience": "console", "SignInClientId": "console"},
    ],
)
def test_no_reference_leads_to_what_is_not_made(parameters: dict[str, str]) -> None:
    made = stack(**parameters)
    left_out = source()["Resources"].keys() - made.resources.keys()
    text = json.dumps([made.resources, made.outputs])
    assert [name for name in left_out if re.search(rf'"{name}[".]', text)] == []


# --- kept, encrypted -------------------------------------------------------------------------------------------------


def test_every_log_group_forgets(made: Stack) -> None:
    groups = made.of_type("AWS::Logs::LogGroup")
    assert all(int(of["RetentionInDays"]) > 0 for of in groups.values())
    own = {
        name: of["LoggingConfig"]["LogGroup"] for name, of in made.of_type("AWS::Lambda::Function").items()
    }
    assert own.keys() == FUNCTIONS.keys()
    for name, group in own.items():
        unique = "-1a2b3c4d" if name == "QueryApi" else ""
        assert groups[group]["LogGroupName"] == f"/postroad/postroad/{FUNCTIONS[name]}{unique}"


def test_the_audit_log_outlives_its_stack_and_is_in_no_later_ones_way(made: Stack) -> None:
    """What stays must be named by the stack's own id, or another of that name could not be deployed."""
    kept = {name for name, of in made.resources.items() if "Retain" in of.get("DeletionPolicy", "")}
    assert kept == {"Table", "QueryApiLogGroup"}
    group = made.resources["QueryApiLogGroup"]
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert group["Properties"]["LogGroupName"].endswith("-1a2b3c4d")
    assert group["Properties"]["RetentionInDays"] > 366
    assert "TableName" not in made.resources["Table"]["Properties"]
    assert made.outputs["AuditLogGroupName"] == "QueryApiLogGroup"


def test_unified_lines_are_kept_as_long_as_records() -> None:
    kept = stack(RetentionDays="365")
    assert kept.resources["UnifiedLogGroup"]["Properties"]["RetentionInDays"] == "365"
    assert environment(kept, "SesEvents")["RETENTION_DAYS"] == "365"


def test_every_queue_is_encrypted_and_leads_to_dead_letters(made: Stack) -> None:
    queues = made.of_type("AWS::SQS::Queue")
    dead = {
        of["RedrivePolicy"]["deadLetterTargetArn"]: of["MessageRetentionPeriod"]
        for of in queues.values()
        if "RedrivePolicy" in of
    }
    failures = {
        of["DestinationConfig"]["OnFailure"]["Destination"]
        for of in [
            *made.of_type("AWS::Lambda::EventInvokeConfig").values(),
            *made.of_type("AWS::Lambda::EventSourceMapping").values(),
        ]
        if "DestinationConfig" in of
    }
    for name, of in queues.items():
        assert of["SqsManagedSseEnabled"] is True
        if "RedrivePolicy" in of:
            assert int(of["RedrivePolicy"]["maxReceiveCount"]) >= 5
        else:
            assert f"{name}.Arn" in dead.keys() | failures
            assert of["MessageRetentionPeriod"] == TWO_WEEKS
    # A dead letter keeps the date it was first queued at, so some days must be left of the two weeks.
    assert max(dead.values()) <= TWO_WEEKS - 4 * 24 * 3600


def test_every_dead_letter_raises_an_alarm(made: Stack) -> None:
    dead = {name for name, of in made.of_type("AWS::SQS::Queue").items() if "RedrivePolicy" not in of}
    watched = {
        of["Dimensions"][0]["Value"]
        for of in made.of_type("AWS::CloudWatch::Alarm").values()
        if of.get("MetricName") == "ApproximateNumberOfMessagesVisible"
    }
    assert watched == {f"{name}.QueueName" for name in dead}


def test_topics_are_encrypted_with_a_key_that_its_writers_may_use(made: Stack) -> None:
    topics = made.of_type("AWS::SNS::Topic")
    assert {of["KmsMasterKeyId"] for of in topics.values()} == {"TopicKey"}
    key = made.resources["TopicKey"]["Properties"]
    allowed = {
        of["Principal"]["Service"]: of["Condition"]["StringEquals"]["kms:EncryptionContext:aws:sns:topicArn"]
        for of in key["KeyPolicy"]["Statement"]
        if "Service" in of["Principal"]
    }
    assert allowed == {
        "ses.amazonaws.com": TOPICS + topics["EventsTopic"]["TopicName"],
        "cloudwatch.amazonaws.com": TOPICS + topics["AlarmTopic"]["TopicName"],
    }
    assert key["EnableKeyRotation"] is True


def test_the_table(made: Stack) -> None:
    resource = made.resources["Table"]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
    table = resource["Properties"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert keys(table) == ["pk", "sk"]
    indexes = {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}
    assert {name: keys(index) for name, index in indexes.items()} == {
        "lookup": ["lookup", "at"],
        "problem": ["problem", "at"],
    }
    assert all(index["Projection"] == {"ProjectionType": "KEYS_ONLY"} for index in indexes.values())
    assert {of["AttributeType"] for of in table["AttributeDefinitions"]} == {"S"}


def keys(of: dict[str, Any]) -> list[str]:
    assert [key["KeyType"] for key in of["KeySchema"]] == ["HASH", "RANGE"]
    return [key["AttributeName"] for key in of["KeySchema"]]


# --- from SES --------------------------------------------------------------------------------------------------------

ALWAYS = {
    "reject",
    "bounce",
    "complaint",
    "delivery",
    "renderingFailure",
    "deliveryDelay",
    "subscription",
}


@pytest.mark.parametrize(
    ("said", "types"),
    [
        ({}, ALWAYS),
        ({"TrackSends": "true"}, ALWAYS | {"send"}),
        ({"TrackOpensAndClicks": "true"}, ALWAYS | {"open", "click"}),
        ({"TrackSends": "true", "TrackOpensAndClicks": "true"}, ALWAYS | {"send", "open", "click"}),
    ],
)
def test_which_events_are_told(said: dict[str, str], types: set[str]) -> None:
    told = stack(**said).resources["EventDestination"]
    destination = told["Properties"]["EventDestination"]
    assert sorted(destination["MatchingEventTypes"]) == sorted(types)
    assert (destination["Enabled"], destination["SnsDestination"]) == (True, {"TopicARN": "EventsTopic"})
    assert told["DependsOn"] == "EventsTopicPolicy"


@pytest.mark.parametrize(("said", "name"), [("", "postroad"), ("relay", "relay")])
def test_only_this_configuration_set_may_publish(said: str, name: str) -> None:
    made = stack(ConfigurationSet=said)
    assert ("NewConfigurationSet" in made.resources) is (said == "")
    [statement] = made.resources["EventsTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "ses.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {
        "AWS:SourceAccount": "123456789012",
        "AWS:SourceArn": f"arn:aws:ses:eu-west-1:123456789012:configuration-set/{name}",
    }


def test_events_reach_their_queue_bare(made: Stack) -> None:
    subscription = made.resources["EventsSubscription"]["Properties"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("sqs", "EventsQueue.Arn")
    assert subscription["RawMessageDelivery"] is True
    assert subscription["RedrivePolicy"] == {"deadLetterTargetArn": "EventsDeadLetters.Arn"}
    [statement] = made.resources["EventsQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": "EventsTopic"}}


# --- from the relays -------------------------------------------------------------------------------------------------


def test_a_subscription_for_each_relay_log_group() -> None:
    made = stack(RelayLogGroup2="/mail/two", RelayLogGroup3="/mail/three")
    filters = made.of_type("AWS::Logs::SubscriptionFilter")
    assert [of["LogGroupName"] for of in filters.values()] == ["/mail/relay", "/mail/two", "/mail/three"]
    for name, of in filters.items():
        assert of["DestinationArn"] == "RelayLogs.Arn"
        permission = made.resources[made.resources[name]["DependsOn"]]["Properties"]
        assert permission["Principal"] == "logs.amazonaws.com"
        assert permission["SourceAccount"] == "123456789012"
        assert permission["SourceArn"].endswith(f":log-group:{of['LogGroupName']}:*")
    assert len(stack().of_type("AWS::Logs::SubscriptionFilter")) == 1


@pytest.mark.parametrize("parameter", ["RelayLogGroup1", "RelayLogGroup2", "RelayLogGroup3"])
def test_no_subscription_can_feed_itself(parameter: str, made: Stack) -> None:
    pattern = source()["Parameters"][parameter]["AllowedPattern"]
    own = [of["LogGroupName"] for of in made.of_type("AWS::Logs::LogGroup").values()]
    assert len(own) == len(FUNCTIONS) + 2
    for group in [*own, "/postroad/another-stack/unified", "/aws/lambda/postroad-RelayLogs-1A2B3C"]:
        assert not re.fullmatch(pattern, group), group
    for group in ["/var/log/mail.log", "maillog", "/ecs/relay", "/mail/postroad/relay", "postfix#1"]:
        assert re.fullmatch(pattern, group), group


def test_a_payload_that_fails_is_kept(made: Stack) -> None:
    [config] = made.of_type("AWS::Lambda::EventInvokeConfig").values()
    assert (config["FunctionName"], config["Qualifier"]) == ("RelayLogs", "$LATEST")
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (2, 6 * 3600)
    assert config["DestinationConfig"] == {"OnFailure": {"Destination": "RelayFailures.Arn"}}


# --- functions -------------------------------------------------------------------------------------------------------


def test_functions_and_layer_are_of_one_make(made: Stack) -> None:
    makefile = (ROOT / "layers/core/Makefile").read_text()
    [python] = re.findall(r"^TARGET_PYTHON \?= (.+)$", makefile, re.MULTILINE)
    [platform] = re.findall(r"^TARGET_PLATFORM \?= (.+)$", makefile, re.MULTILINE)
    [layer] = made.of_type("AWS::Lambda::LayerVersion").values()
    assert layer["CompatibleRuntimes"] == [f"python{python}"]
    assert layer["CompatibleArchitectures"] == ["arm64"]
    assert platform.endswith("aarch64")
    for name, of in made.of_type("AWS::Lambda::Function").items():
        assert (of["Runtime"], of["Architectures"]) == (f"python{python}", ["arm64"])
        assert of["Handler"] == "app.handler"
        assert source()["Resources"][name]["Properties"]["CodeUri"] == f"functions/{FUNCTIONS[name]}/"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_environment(name: str, made: Stack) -> None:
    said = environment(made, name)
    assert said["POWERTOOLS_SERVICE_NAME"] == "postroad"
    assert said["POWERTOOLS_METRICS_NAMESPACE"] == "Postroad"
    assert {key for key in said if not key.startswith("POWERTOOLS_")} == ENVIRONMENT[name]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_reads_what_the_template_says(name: str, made: Stack) -> None:
    places = [f"functions/{FUNCTIONS[name]}/*.py", *([READS_BY[name]] if name in READS_BY else [])]
    code = [file.read_text() for place in places for file in sorted(ROOT.glob(place))]
    assert any(text.strip() for text in code)
    read = set().union(*(names_read(ast.parse(text)) for text in code))
    assert read == {key for key in environment(made, name) if not key.startswith("POWERTOOLS_")}


def names_read(tree: ast.Module) -> set[str]:
    """Environment variables that code names, as text or as a field of its settings."""
    texts = {of.value for of in ast.walk(tree) if isinstance(of, ast.Constant) and isinstance(of.value, str)}
    known = set().union(*ENVIRONMENT.values())
    fields = {
        field.target.id.upper()
        for of in ast.walk(tree)
        if isinstance(of, ast.ClassDef) and of.name.endswith("Settings")
        for field in of.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }
    return (texts & known) | {text for text in texts if re.fullmatch(r"SIGN_IN_[A-Z_]+", text)} | fields


def environment(made: Stack, name: str) -> dict[str, str]:
    variables: dict[str, str] = made.resources[name]["Properties"]["Environment"]["Variables"]
    return variables


@pytest.mark.parametrize(("name", "queue"), [("SesEvents", "EventsQueue"), ("LinkDeadline", "DeadlineQueue")])
def test_a_burst_cannot_eat_a_queues_receives(
    name: str, queue: str, made: Stack, mappings: dict[str, dict[str, Any]]
) -> None:
    mapping, function = mappings[name], made.resources[name]["Properties"]
    assert mapping["EventSourceArn"] == f"{queue}.Arn"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    window = mapping["MaximumBatchingWindowInSeconds"]
    assert window >= 1  # for more than ten at a time
    assert made.resources[queue]["Properties"]["VisibilityTimeout"] >= 6 * function["Timeout"] + window
    assert mapping["ScalingConfig"]["MaximumConcurrency"] <= function["ReservedConcurrentExecutions"]


def test_nothing_is_reserved_where_the_account_has_too_little() -> None:
    for name, of in stack(ReserveConcurrency="false").of_type("AWS::Lambda::Function").items():
        assert "ReservedConcurrentExecutions" not in of, name


def test_the_console_can_be_opened_at_once(made: Stack) -> None:
    """A browser asks for all its files together; with one refused the page does not start."""
    files = [path for path in (ROOT / "functions/query_api/console").rglob("*") if path.is_file()]
    # Its settings, and what the first view asks of the API.
    opening = len(files) + 5
    assert made.resources["QueryApi"]["Properties"]["ReservedConcurrentExecutions"] > opening
    throttle = made.resources["ApiStage"]["Properties"]["DefaultRouteSettings"]
    assert throttle["ThrottlingBurstLimit"] >= 3 * opening


def test_what_is_reserved_is_what_the_parameter_says(made: Stack) -> None:
    reserved = sum(
        of.get("ReservedConcurrentExecutions", 0) for of in made.of_type("AWS::Lambda::Function").values()
    )
    said = source()["Parameters"]["ReserveConcurrency"]["Description"]
    assert f"set {reserved} concurrent" in said
    assert f"below {100 + reserved}" in said


def test_the_stream_is_told_in_order_and_never_blocked_for_good(mappings: dict[str, dict[str, Any]]) -> None:
    mapping = mappings["UnifiedLog"]
    assert mapping["EventSourceArn"] == "Table.StreamArn"
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 0 < mapping["MaximumRetryAttempts"] <= 10_000
    assert 0 < mapping["MaximumRecordAgeInSeconds"] < 24 * 3600
    assert mapping["DestinationConfig"] == {"OnFailure": {"Destination": "StreamFailures.Arn"}}
    [pattern] = (json.loads(of["Pattern"]) for of in mapping["FilterCriteria"]["Filters"])
    assert pattern == {"eventName": ["INSERT", "MODIFY"]}


def test_a_message_waits_as_long_as_the_operator_says() -> None:
    made = stack(DeadlineSeconds="300")
    assert made.resources["DeadlineQueue"]["Properties"]["DelaySeconds"] == "300"
    assert environment(made, "SesEvents")["DEADLINE_SECONDS"] == "300"


# --- who may what ----------------------------------------------------------------------------------------------------

LOGS = "arn:aws:logs:eu-west-1:123456789012:log-group:/postroad/postroad/"
TO_LOG = ("logs:CreateLogStream", "logs:PutLogEvents")
FROM_QUEUE = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
# All that a function may do, and nothing else. A `*` stands where a name is not known beforehand: log streams, and the
# table's streams, which are named by the time they were switched on. The one bare `*` is that of SUPPRESSIONS.
SUPPRESSIONS = ("ses:DeleteSuppressedDestination", "ses:GetSuppressedDestination")
MAY: dict[str, set[tuple[tuple[str, ...], str]]] = {
    "RelayLogs": {
        (("dynamodb:UpdateItem",), "Table.Arn"),
        (("sqs:SendMessage",), "RelayFailures.Arn"),
        (TO_LOG, f"{LOGS}relay_logs:*"),
    },
    "SesEvents": {
        (FROM_QUEUE, "EventsQueue.Arn"),
        (("dynamodb:UpdateItem",), "Table.Arn"),
        (("sqs:SendMessage",), "DeadlineQueue.Arn"),
        (("sqs:SendMessage",), "EventsDeadLetters.Arn"),
        (TO_LOG, f"{LOGS}ses_events:*"),
    },
    "UnifiedLog": {
        (("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"), "Table.StreamArn"),
        (("dynamodb:ListStreams",), "Table.Arn/stream/*"),
        (("sqs:SendMessage",), "StreamFailures.Arn"),
        (TO_LOG, f"{LOGS}unified:*"),
        (TO_LOG, f"{LOGS}unified_log:*"),
    },
    "LinkDeadline": {
        (FROM_QUEUE, "DeadlineQueue.Arn"),
        (("dynamodb:BatchGetItem", "dynamodb:UpdateItem"), "Table.Arn"),
        (TO_LOG, f"{LOGS}link_deadline:*"),
    },
    "QueryApi": {
        (("dynamodb:BatchGetItem", "dynamodb:Query"), "Table.Arn"),
        (("dynamodb:Query",), "Table.Arn/index/lookup"),
        (("dynamodb:Query",), "Table.Arn/index/problem"),
        (("secretsmanager:GetSecretValue",), "ApiSecret"),
        (SUPPRESSIONS, "*"),
        (TO_LOG, "QueryApiLogGroup.Arn"),
    },
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_do_what_it_must_and_nothing_else(name: str, made: Stack) -> None:
    role = made.resources[made.resources[name]["Properties"]["Role"].removesuffix(".Arn")]["Properties"]
    assert "ManagedPolicyArns" not in role
    [trusts] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trusts["Principal"] == {"Service": "lambda.amazonaws.com"}
    statements = [of for policy in role["Policies"] for of in policy["PolicyDocument"]["Statement"]]
    may = {(tuple(sorted(listed(of["Action"]))), on) for of in statements for on in listed(of["Resource"])}
    assert {of["Effect"] for of in statements} == {"Allow"}
    assert may == MAY[name]


def test_a_role_for_each_function(made: Stack) -> None:
    roles = [of["Role"] for of in made.of_type("AWS::Lambda::Function").values()]
    assert sorted(roles) == sorted(f"{name}.Arn" for name in made.of_type("AWS::IAM::Role"))


def test_no_policy_is_open_to_all_or_for_everything(made: Stack) -> None:
    """In a key's policy `*` is the key itself, which has no ARN yet; its every action is for the account's own.

    The one exception: the account's suppression list has no ARN.
    """
    unbounded = []
    for name, resource in made.resources.items():
        for statement in statements_in(resource.get("Properties", {})):
            assert "*" not in listed(statement.get("Principal", {}).get("AWS", [])), name
            if resource["Type"] == "AWS::KMS::Key":
                continue
            assert not any("*" in action for action in listed(statement["Action"])), name
            if "*" in listed(statement.get("Resource", [])):
                unbounded.append((name, tuple(sorted(statement["Action"]))))
    assert unbounded == [("QueryApiRole", SUPPRESSIONS)]


def test_who_asks_cannot_change_a_record() -> None:
    table = {action for actions, on in MAY["QueryApi"] if on.startswith("Table") for action in actions}
    assert table == {"dynamodb:BatchGetItem", "dynamodb:Query"}


def statements_in(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    if isinstance(value, list):
        return [found for of in value for found in statements_in(of)]
    if not isinstance(value, dict):
        return []
    own = listed(value["Statement"]) if "Statement" in value else []
    return own + [found for of in value.values() for found in statements_in(of)]


def listed(value: Any) -> list[Any]:  # noqa: ANN401
    return value if isinstance(value, list) else [value]


# --- who may ask -----------------------------------------------------------------------------------------------------


def test_tokens_come_from_our_user_pool_or_from_the_given_issuer() -> None:
    ours = stack()
    assert ours.resources["ApiAuthorizer"]["Properties"]["JwtConfiguration"] == {
        "Issuer": "https://cognito-idp.eu-west-1.amazonaws.com/UserPool",
        "Audience": ["UserPoolClient"],
    }
    theirs = stack(JwtIssuer="https://login.example.com", JwtAudience="console,cli")
    assert theirs.resources["ApiAuthorizer"]["Properties"]["JwtConfiguration"] == {
        "Issuer": "https://login.example.com",
        "Audience": ["console", "cli"],
    }
    assert [name for name in theirs.resources if name.startswith("UserPool")] == []


OPEN = {"GET /", "GET /{proxy+}"}


def test_every_route_is_behind_the_authoriser_but_the_consoles_files(made: Stack) -> None:
    routes = {of["RouteKey"]: of for of in made.of_type("AWS::ApiGatewayV2::Route").values()}
    assert routes.keys() == {"ANY /v1/{proxy+}"} | OPEN
    asked = routes["ANY /v1/{proxy+}"]
    assert (asked["AuthorizationType"], asked["AuthorizerId"]) == ("JWT", "ApiAuthorizer")
    # Without scopes an ID token would pass as well.
    assert asked["AuthorizationScopes"] == [f"{PREFIX}{scope}" for scope in SCOPES]
    assert {key for key, of in routes.items() if of["AuthorizationType"] == "NONE"} == OPEN


def test_every_route_leads_to_the_function_which_only_this_api_may_call(made: Stack) -> None:
    for name, of in made.of_type("AWS::ApiGatewayV2::Route").items():
        assert (of["ApiId"], of["Target"]) == ("Api", "integrations/ApiIntegration"), name
    integration = made.resources["ApiIntegration"]["Properties"]
    assert (integration["IntegrationUri"], integration["PayloadFormatVersion"]) == ("QueryApi.Arn", "2.0")
    [permission] = [
        of for of in made.of_type("AWS::Lambda::Permission").values() if of["FunctionName"] == "QueryApi"
    ]
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert permission["SourceArn"] == "arn:aws:execute-api:eu-west-1:123456789012:Api/*"
    # HTTP APIs wait for 30 s.
    assert made.resources["QueryApi"]["Properties"]["Timeout"] < 30


OURS = "https://UserPoolDomain.auth.eu-west-1.amazoncognito.com"
ISSUER = {"JwtIssuer": "https://login.example.com", "JwtAudience": "console"}
THEIRS = {
    "SignInClientId": "console",
    "SignInAuthorizeEndpoint": "https://login.example.com/authorize",
    "SignInTokenEndpoint": "https://token.example.com/",
    "SignInLogoutEndpoint": "https://login.example.com/logout",
    "SignInScope": "openid postroad/read.masked",
}


def test_the_console_is_told_how_to_sign_in() -> None:
    ours = sign_in(environment(stack(), "QueryApi"))
    assert ours.pop("scope").split() == ["openid", "email", *(f"{PREFIX}{scope}" for scope in SCOPES)]
    assert ours == {
        "auth": "oidc",
        "issuer": "https://cognito-idp.eu-west-1.amazonaws.com/UserPool",
        "client_id": "UserPoolClient",
        "authorize_endpoint": f"{OURS}/oauth2/authorize",
        "token_endpoint": f"{OURS}/oauth2/token",
        "logout_endpoint": f"{OURS}/logout?client_id=UserPoolClient&logout_uri=Api.ApiEndpoint/",
    }
    assert sign_in(environment(stack(**ISSUER, **THEIRS), "QueryApi")) == {
        "auth": "oidc",
        "issuer": "https://login.example.com",
        "client_id": "console",
        "authorize_endpoint": "https://login.example.com/authorize",
        "token_endpoint": "https://token.example.com/",
        "logout_endpoint": "https://login.example.com/logout",
        "scope": "openid postroad/read.masked",
    }
    assert sign_in(environment(stack(**ISSUER), "QueryApi")) == {"auth": "token"}


def test_the_user_pool_lets_the_console_in_and_out_where_it_is(made: Stack) -> None:
    client = made.resources["UserPoolClient"]["Properties"]
    asked = sign_in(environment(made, "QueryApi"))
    assert set(asked["scope"].split()) <= set(client["AllowedOAuthScopes"])
    assert client["CallbackURLs"] == ["Api.ApiEndpoint/"]
    assert asked["logout_endpoint"].partition("logout_uri=")[2] in client["LogoutURLs"]


@pytest.mark.parametrize("missing", ["JwtIssuer", "SignInAuthorizeEndpoint", "SignInTokenEndpoint"])
def test_a_client_to_sign_in_as_needs_the_rest(missing: str) -> None:
    rule = source()["Rules"]["SigningInNeedsAllOfIt"]
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "SignInClientId"}, ""]}]}
    asserted = [of["Assert"]["Fn::Not"][0]["Fn::Equals"] for of in rule["Assertions"]]
    assert [{"Ref": missing}, ""] in asserted


def test_nobody_signs_up_by_himself(made: Stack) -> None:
    assert made.resources["UserPool"]["Properties"]["AdminCreateUserConfig"] == {
        "AllowAdminCreateUserOnly": True
    }
    assert made.resources["UserPoolClient"]["Properties"]["AllowedOAuthFlows"] == ["code"]


def test_the_access_log_holds_no_address(made: Stack) -> None:
    log = json.loads(made.resources["ApiStage"]["Properties"]["AccessLogSettings"]["Format"])
    assert log["route"] == "$context.routeKey"
    assert not any("path" in value.lower() or "query" in value.lower() for value in log.values())


def test_alarms_are_mailed_to_whom_it_may_concern() -> None:
    assert stack().of_type("AWS::SNS::Subscription").keys() == {"EventsSubscription"}
    mail = stack(AlarmEmail="ops@example.com").resources["AlarmMail"]["Properties"]
    assert mail == {"TopicArn": "AlarmTopic", "Protocol": "email", "Endpoint": "ops@example.com"}

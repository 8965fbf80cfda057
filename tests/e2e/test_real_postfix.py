"""The real thing: Postfix relays mail to a stand-in for SES, and `postroad` tells what became of it."""

import json
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Journey, Service, documents, postroad, until
from tests.e2e.parts.postfix import BLOCKED, Postfix, Sent, available
from tests.e2e.parts.ses_endpoint import Accepted, SesEndpoint
from tests.e2e.parts.ses_events import Doc
from tests.e2e.parts.ses_fates import fates
from tests.e2e.parts.ses_wrappers import sqs_body
from tests.e2e.parts.sqs import Sqs

pytestmark = pytest.mark.slow

SENDER = "app@example.org"
SINGLE = ("ok", "hardbounce", "lateb", "ooo", "complain", "suppressed", "throttle", "lostconn", "unverified")
MANY = ("ok-m@example.com", "hardbounce-m@example.net", "suppressed-m@example.com", "silent-m@example.com")
REFUSED_AT_SES = "badrcpt-m@example.com"
REFUSED_AT_THE_DOOR = "refused-m@example.net"
ACCESS = (
    f"inline:{{{{{BLOCKED} = REJECT policy says no}}, {{{REFUSED_AT_THE_DOOR} = REJECT policy says no}}}}"
)
SETTINGS = {"smtpd_recipient_restrictions": f"check_recipient_access {ACCESS}, permit_mynetworks, reject"}
FORGERY = (
    "x from localhost[127.0.0.1]; from=<evil@example.com> to=<evil@example.com> proto=ESMTP helo=<evil>:"
    " to=<evil@example.com>, relay=x, status=sent (250 Ok 0102-x)"
)


def one(kind: str) -> str:
    return f"{kind}1@example.com"


@dataclass(kw_only=True)
class Story:
    """What was sent, and the service that has read of it."""

    service: Service
    postfix: Postfix
    sqs: Sqs
    sent: dict[str, Sent]
    accepted: list[Accepted]
    rotated: Path

    def journey(self, recipient: str) -> Journey:
        (found,) = self.service.find(recipient)
        return found

    def unified(self) -> list[str]:
        return self.service.unified.read_text("utf-8").splitlines()

    def lines(self, *words: str) -> list[str]:
        """`grep` for one word after the other."""
        return [line for line in self.unified() if all(word in line for word in words)]


@pytest.fixture(scope="module", params=["long", "short"])
def story(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    require: Callable[[str, bool], None],
) -> Iterator[Story]:
    """Send everything once: with long queue ids and events in SNS envelopes, and with short ids and raw events."""
    require("postfix", available())
    root = tmp_path_factory.mktemp("story")
    is_long = request.param == "long"
    with ExitStack() as stack:
        endpoint = stack.enter_context(SesEndpoint())
        postfix = stack.enter_context(Postfix(relay_port=endpoint.port, long_ids=is_long, settings=SETTINGS))
        sqs = stack.enter_context(Sqs(raw=not is_long, visibility=5))
        service = stack.enter_context(
            Service(root=root, settings=_settings(postfix, sqs), environment=sqs.environment)
        )
        service.url()
        sent = _send_all(postfix, endpoint)
        rotated = postfix.rotate_log()
        sent["after rotation"] = postfix.send(SENDER, ["ok-rotated@example.com"])
        postfix.wait_for(r"to=<ok-rotated@example\.com>.*status=sent")
        postfix.wait_until_empty()
        _publish(endpoint.accepted, sqs, is_long=is_long)
        _wait_for(service, sqs, endpoint.accepted)
        yield Story(
            service=service, postfix=postfix, sqs=sqs, sent=sent, accepted=endpoint.accepted, rotated=rotated
        )
        assert service.end() == 0, service.stderr


def _settings(postfix: Postfix, sqs: Sqs) -> dict[str, Any]:
    return {
        "unclaimed_after_seconds": 3,
        "relay_logs": {"paths": [str(postfix.log_path)]},
        "ses_events.sqs": {"queue_url": sqs.queue_url, "wait_seconds": 1},
    }


def _send_all(postfix: Postfix, endpoint: SesEndpoint) -> dict[str, Sent]:
    sent = {kind: postfix.send(SENDER, [one(kind)], subject=f"For {kind}") for kind in SINGLE}
    sent["blocked"] = postfix.send(SENDER, [BLOCKED])
    sent["many"] = postfix.send(SENDER, [*MANY, REFUSED_AT_SES, REFUSED_AT_THE_DOOR], subject="For many")
    sent["hostile"] = postfix.send(SENDER, ["ok-hostile@example.com"], subject=FORGERY)
    postfix.wait_for(r"to=<lostconn1@example\.com>.*status=sent", timeout=30)
    postfix.wait_for(r"to=<throttle1@example\.com>.*status=sent", timeout=30)
    endpoint.stop()
    sent["requeued"] = postfix.send(SENDER, ["ok-requeue@example.com"], subject="For requeueing")
    postfix.wait_for(rf"{sent['requeued'].queue_id}: .*status=deferred")
    postfix.requeue(str(sent["requeued"].queue_id))
    postfix.wait_for(rf"orig_id={sent['requeued'].queue_id}")
    endpoint.start()
    postfix.wait_for(r"to=<ok-requeue@example\.com>.*status=sent", timeout=30)
    return sent


def _publish(accepted: list[Accepted], sqs: Sqs, *, is_long: bool) -> None:
    """Tell all events out of order, by way of the topic; and a third of them again, in the other form."""
    shuffled = [event for acc in accepted for event in fates(acc)]
    chance = random.Random(1)
    chance.shuffle(shuffled)
    again: list[Doc] = chance.sample(shuffled, len(shuffled) // 3)
    sqs.publish(shuffled[::2])
    sqs.send_bodies(sqs_body(event, raw=is_long) for event in again)
    sqs.publish(shuffled[1::2])
    sqs.publish(again[:3])


def _wait_for(service: Service, sqs: Sqs, accepted: list[Accepted]) -> None:
    """Wait until all is read and stored; the deadline of what no relay claimed has passed then as well."""
    until(lambda: sqs.counts() == (0, 0), "an empty SQS queue")
    told = [to for acc in accepted for to in acc.recipients if not to.startswith("silent")]
    for to in told:
        until(lambda to=to: all(found["state"] != "relayed" for found in service.search(to)), f"news of {to}")  # type: ignore[misc]
    until(lambda: service.search("ok-rotated@example.com"), "the line after rotation")
    until(lambda: "ok-rotated@example.com" in service.unified.read_text(), "the last unified line")


# What happened to the mail for this person?


def test_delivered(story: Story) -> None:
    found = story.journey(one("ok"))
    sent = story.sent["ok"]
    assert found["state"] == "delivered"
    assert (found["complained"], found["auto_reply"], found["silent"]) == (False, False, False)
    assert found["queue_ids"] == [sent.queue_id]
    assert found["hosts"] == ["mx1"]
    assert found["sender"] == SENDER
    assert found["subject"] == "For ok"
    assert found["message_id"] == sent.message_id.strip("<>")
    assert found["ses_id"] in {acc.ses_id for acc in story.accepted}
    assert found["configuration_set"] == "postroad"
    assert found["delay_s"] == pytest.approx(1.2)
    assert found["first_seen"] < found["last_seen"]
    events = [(entry["source"], entry["event"]) for entry in found["timeline"]]
    for said in (
        ("relay", "client"),
        ("relay", "relayed"),
        ("ses", "accepted"),
        ("ses", "delivered"),
        ("relay", "removed"),
    ):
        assert said in events


def test_deferred_then_delivered_is_one_journey(story: Story) -> None:
    found = story.journey(one("throttle"))
    assert found["state"] == "delivered"
    assert found["queue_ids"] == [story.sent["throttle"].queue_id]
    events = [entry["event"] for entry in found["timeline"]]
    assert events.index("deferred") < events.index("relayed") < events.index("delivered")
    assert any("454 Throttling failure" in (entry["line"] or "") for entry in found["timeline"])


@pytest.mark.parametrize(
    ("kind", "state", "events"),
    [
        ("hardbounce", "bounced", ["accepted", "bounced"]),
        ("lateb", "bounced", ["accepted", "delivered", "bounced"]),
        ("ooo", "delivered", ["accepted", "delivered", "bounced"]),
        ("complain", "delivered", ["accepted", "delivered", "complained"]),
        ("suppressed", "suppressed", ["accepted", "bounced"]),
    ],
)
def test_what_ses_says_of_one_recipient(story: Story, kind: str, state: str, events: list[str]) -> None:
    found = story.journey(one(kind))
    assert found["state"] == state
    assert found["auto_reply"] == (kind == "ooo")
    assert found["complained"] == (kind == "complain")
    assert found["queue_ids"] == [story.sent[kind].queue_id]
    said = [entry["event"] for entry in found["timeline"] if entry["source"] == "ses"]
    assert [event for event in said if event != "submitted"] == events


def test_ses_refuses_the_message(story: Story) -> None:
    found = story.journey(one("unverified"))
    assert found["state"] == "bounced"
    assert found["ses_id"] is None
    assert found["queue_ids"] == [story.sent["unverified"].queue_id]


def test_recipients_of_one_message_have_fates_of_their_own(story: Story) -> None:
    found = {to: story.journey(to) for to in (*MANY, REFUSED_AT_SES, REFUSED_AT_THE_DOOR)}
    states = ["delivered", "bounced", "suppressed", "accepted", "bounced", "rejected"]
    assert [found[to]["state"] for to in found] == states
    queue_ids = {tuple(journey["queue_ids"]) for journey in found.values()}
    assert queue_ids == {(story.sent["many"].queue_id,)}
    assert found[REFUSED_AT_SES]["ses_id"] is None
    assert {journey["message_id"] for journey in found.values()} == {
        story.sent["many"].message_id.strip("<>")
    }
    for to in MANY:
        others = set(found) - {to}
        assert not any(
            f"to=<{other}>" in (entry["line"] or "")
            for entry in found[to]["timeline"]
            for other in others
            if entry["event"] != "subject"
        )


def test_rejected_before_the_queue(story: Story) -> None:
    found = story.journey(BLOCKED)
    assert story.sent["blocked"].data is None
    assert found["state"] == "rejected"
    assert found["hosts"] == ["mx1"]
    assert found["queue_ids"] == []
    assert found["ses_id"] is None
    assert "policy says no" in found["timeline"][-1]["line"]


def test_requeued_is_one_journey_with_both_queue_ids(story: Story) -> None:
    found = story.journey("ok-requeue@example.com")
    assert found["state"] == "delivered"
    old = story.sent["requeued"].queue_id
    new = re.search(rf"pickup\[\d+\]: (\w+): .*orig_id={old}", story.postfix.log())
    assert new
    assert found["queue_ids"] == [old, new[1]]
    shown = json.loads(postroad("show", str(old), "--json", "--db", story.service.database).stdout)
    assert shown == found


def test_a_lost_reply_hides_no_mail(story: Story) -> None:
    """The connection dropped after SES took the message, so the log knows the second SES id only."""
    ses_ids = [acc.ses_id for acc in story.accepted if one("lostconn") in acc.recipients]
    assert len(ses_ids) == 2
    assert ses_ids[0] not in story.postfix.log()
    found = story.service.find(one("lostconn"))
    assert {journey["ses_id"]: journey["state"] for journey in found} == dict.fromkeys(ses_ids, "delivered")
    assert {tuple(journey["queue_ids"]) for journey in found} == {(story.sent["lostconn"].queue_id,)}
    lines = story.lines("status=delivered", one("lostconn"))
    assert sorted(re.findall(r"ses_id=([\w-]+)", "".join(lines))) == sorted(ses_ids)


def test_a_subject_forges_nothing(story: Story) -> None:
    assert story.journey("ok-hostile@example.com")["state"] == "delivered"
    assert story.journey("ok-hostile@example.com")["subject"] == FORGERY
    assert story.service.find("evil@example.com") == []
    assert not [
        found
        for found in documents("export", "--db", story.service.database)
        if found["recipient"] == "evil@example.com"
    ]
    assert not story.lines("]: ", "to=<evil@example.com>")


def test_a_log_rotated_while_it_is_read(story: Story) -> None:
    assert story.rotated.suffix == ".gz"
    assert story.journey("ok-rotated@example.com")["state"] == "delivered"


# The unified lines


def test_one_grep_shows_sent_and_delivered(story: Story) -> None:
    for needle in (f"to=<{one('ok')}>", f" {story.sent['ok'].queue_id}: "):
        found = story.lines(needle)
        assert [re.search(r"status=(\w+)", line)[1] for line in found] == ["sent", "delivered"]  # type: ignore[index]
    first, second = story.lines(one("ok"))
    assert re.fullmatch(
        rf"\S+Z mx1 postfix/smtp\[\d+\]: {story.sent['ok'].queue_id}: to=<ok1@example\.com>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:\d+,"
        r" delay=[\d.]+, delays=\S+, dsn=2\.0\.0, status=sent \(250 Ok [\w-]+\)",
        first,
    )
    assert re.fullmatch(
        rf"\S+Z mx1 postfix/ses-events\[1\]: {story.sent['ok'].queue_id}: to=<ok1@example\.com>, relay=amazonses\.com,"
        r" ses_id=[\w-]+, delay=1\.2, dsn=2\.0\.0, status=delivered \(250 2\.0\.0 OK accepted\)",
        second,
    )


def test_each_line_is_told_once(story: Story) -> None:
    told = story.unified()
    assert sorted(told) == sorted(set(told))
    assert sorted(told) == sorted(postroad("lines", "--db", story.service.database).stdout.splitlines())


def test_log_tools_read_the_lines(story: Story, require: Callable[[str, bool], None]) -> None:
    require("pflogsumm", shutil.which("pflogsumm") is not None)
    done = subprocess.run(
        ["pflogsumm", story.service.unified], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    assert f"{len(story.lines('status=sent'))} delivered" in " ".join(done.stdout.split())


# And nothing is left over


def test_the_queues_are_empty(story: Story) -> None:
    assert story.postfix.queue() == []
    assert story.sqs.counts() == (0, 0)
    assert story.sqs.dead_letters() == 0
    assert not postroad("problems", "--bad-input", "--db", story.service.database).stdout
    assert re.fullmatch(r"postroad: search at \S+/#token=\S+\n", story.service.stderr)

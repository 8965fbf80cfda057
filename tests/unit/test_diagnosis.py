"""Diagnosis beyond single replies: whole journeys, order of rules, an operator's rules, hostile text."""

from typing import Any

import pytest

from postroad.diagnosis import (
    EXPLAINED,
    MEANINGS,
    RULES,
    STATUSES,
    Confidence,
    Diagnosis,
    Reason,
    Rule,
    Where,
    Whom,
    diagnose,
    diagnose_reply,
    rules_from,
)
from postroad.facts import Event, Fact, Source

SES_HOST = "email-smtp.us-east-1.amazonaws.com[54.243.69.182]:587"


def fact(source: Source, event: Event, **said: object) -> Fact:
    made: Any = {"source": source, "event": event, "at": "2026-02-25T00:00:00.000Z"} | said
    typed: Fact = made
    return typed


def relay(event: Event, reply: str = "", **said: object) -> Fact:
    return fact(Source.RELAY, event, **({"relay": SES_HOST, "reply": reply} | said))


def bounce(reply: str = "", label: str = "Permanent/General", **said: object) -> Fact:
    kind, _, sub_type = label.partition("/")
    words = {"reply": reply} if reply else {}
    return fact(Source.SES, Event.BOUNCED, bounce_type=kind, bounce_sub_type=sub_type, **words, **said)


def known(found: Diagnosis | None) -> Diagnosis:
    assert found is not None
    return found


# --- journeys


def test_nothing_is_diagnosed_while_mail_is_on_its_way() -> None:
    on_its_way = [
        relay(Event.ACTIVE),
        relay(Event.DEFERRED, "connect to x[192.0.2.1]:25: Connection refused"),
        relay(Event.RELAYED, "250 Ok 0100"),
        fact(Source.SES, Event.ACCEPTED),
    ]
    assert diagnose(on_its_way) is None
    assert diagnose([]) is None
    assert diagnose_reply(on_its_way[0]) is None


def test_last_of_several_refusals_decides() -> None:
    first = relay(Event.DEFERRED, f"connect to {SES_HOST}: Connection refused")
    later = relay(
        Event.DEFERRED,
        f"host {SES_HOST} said: 454 Throttling failure: Maximum sending rate exceeded.",
        at="2026-02-25T01:00:00.000Z",
    )
    assert known(diagnose([later, first])).reason is Reason.RATE_LIMITED


def test_state_decides_over_time() -> None:
    late_delivery = fact(Source.SES, Event.DELIVERED, at="2026-02-26T00:00:00.000Z", reply="250 OK")
    assert known(diagnose([late_delivery, bounce("550 5.1.1 user unknown")])).reason is Reason.USER_UNKNOWN


def test_complaint_comes_before_the_delivery_it_is_about() -> None:
    delivered = fact(Source.SES, Event.DELIVERED, reply="250 OK")
    complained = fact(Source.SES, Event.COMPLAINED, feedback_type="abuse")
    assert known(diagnose([delivered, complained])).reason is Reason.FEEDBACK
    no_complaint = fact(Source.SES, Event.COMPLAINED, feedback_type="not-spam")
    assert known(diagnose([delivered, no_complaint])).reason is Reason.DELIVERED


def test_delivery_by_another_host_is_a_delivery() -> None:
    handed = relay(Event.HANDED_OVER, "250 2.0.0 OK", relay="mx.example.com[192.0.2.7]:25")
    assert known(diagnose([handed])).reason is Reason.DELIVERED


def test_content_filter_that_gave_the_mail_back_is_no_destination() -> None:
    to_filter = relay(
        Event.HANDED_OVER,
        "250 2.0.0 from MTA: 250 2.0.0 Ok: queued as BBBBBB1",
        relay="127.0.0.1[127.0.0.1]:10024",
        queue_id="AAAAAA1",
    )
    again = relay(Event.ACTIVE, queue_id="BBBBBB1")
    assert diagnose([to_filter, again]) is None
    assert known(diagnose([to_filter])).reason is Reason.DELIVERED


def test_mail_that_expired_in_our_queue_tells_the_refusal_if_that_says_more() -> None:
    expired = fact(Source.RELAY, Event.EXPIRED, status="expired")
    no_way = relay(Event.DEFERRED, f"connect to {SES_HOST}: Connection timed out")
    found = known(diagnose([no_way, expired]))
    assert (found.reason, found.evidence.rule) == (Reason.EXPIRED, "gave-up")
    full = relay(
        Event.DEFERRED, "host mx.example.com[192.0.2.7] said: 452 4.2.2 Mailbox full", relay="mx.example.com"
    )
    assert known(diagnose([full, expired])).reason is Reason.MAILBOX_FULL


def test_own_time_limit_of_a_message_is_an_expiry() -> None:
    found = known(
        diagnose([bounce("smtp; 421 4.4.1 Connection timed out", "Transient/CustomTimeoutExceeded")])
    )
    assert found.reason is Reason.EXPIRED


# --- what was said


def test_suspended_delivery_is_read_as_what_suspended_it() -> None:
    reply = f"delivery temporarily suspended: host {SES_HOST} refused to talk to me: 421 Too many concurrent SMTP connections"
    found = known(diagnose_reply(relay(Event.DEFERRED, reply, relay="none")))
    assert (found.reason, found.where) == (Reason.RATE_LIMITED, Where.SES)


def test_reply_of_several_lines_is_read_as_one() -> None:
    found = known(
        diagnose_reply(
            relay(
                Event.BOUNCED,
                "host mx.example.com[192.0.2.7] said: 550-5.1.1 The email account that you tried to reach does?550-5.1.1 not exist. (in reply to RCPT TO command)",
                relay="mx.example.com[192.0.2.7]:25",
                dsn="5.1.1",
            )
        )
    )
    assert found.evidence.found == "account*does not exist"


def test_remote_server_cannot_pass_for_amazon() -> None:
    found = known(
        diagnose_reply(
            relay(
                Event.BOUNCED,
                f"host mx.example.com[192.0.2.7] said: 554 host {SES_HOST} said: Sending paused for this account",
                relay="mx.example.com[192.0.2.7]:25",
            )
        )
    )
    assert found.where is Where.SERVER


def test_private_endpoint_of_amazon_is_amazon() -> None:
    host = "vpce-1.email-smtp.eu-west-1.vpce.amazonaws.com[10.0.0.9]"
    reply = f"host {host} said: 554 Message rejected: Sending paused for this account."
    assert known(diagnose_reply(relay(Event.BOUNCED, reply, relay=f"{host}:587"))).where is Where.SES


@pytest.mark.parametrize("status", STATUSES)
def test_status_code_speaks_where_words_do_not(status: str) -> None:
    found = known(diagnose_reply(bounce("smtp; 550 nein", dsn=f"5.{status}")))
    assert (found.reason, found.confidence) == (STATUSES[status], Confidence.MEDIUM)
    assert found.evidence.found == f"5.{status}"


def test_name_look_up_that_failed_for_now_is_no_unknown_domain() -> None:
    assert known(diagnose_reply(bounce("", "Transient/General", dsn="4.4.4"))).reason is Reason.NETWORK_ERROR


def test_network_address_is_no_status_code() -> None:
    found = known(diagnose_reply(bounce("smtp; 550 nein 5.1.1.7 und 45.2.2.1")))
    assert found.reason is Reason.UNDETERMINED


# --- what is told


def test_every_reason_has_a_meaning_and_a_sentence() -> None:
    assert set(MEANINGS) == set(EXPLAINED) == set(Reason)


def test_summary_names_the_server_at_the_other_end() -> None:
    to_ses = relay(Event.DEFERRED, f"connect to {SES_HOST}: Connection refused", relay="none")
    assert known(diagnose_reply(to_ses)).summary == "There was no working connection to Amazon SES."
    unknown = relay(Event.DEFERRED, "mail transport unavailable", relay="none")
    assert known(diagnose_reply(unknown)).where is Where.RELAY
    tls = relay(Event.DEFERRED, "Cannot start TLS: handshake failure", relay="local")
    assert known(diagnose_reply(tls)).summary == "No encrypted connection could be made with the next server."


def test_advice_warns_where_a_good_address_may_end_on_the_suppression_list() -> None:
    spam = known(diagnose_reply(bounce("smtp; 550 5.7.1 Message considered as SPAM")))
    assert "suppression list" in spam.advice
    unknown = known(diagnose_reply(bounce("smtp; 550 5.1.1 user unknown")))
    assert "suppression list" not in unknown.advice


def test_disagreement_is_said_and_costs_confidence() -> None:
    found = known(diagnose_reply(bounce("smtp; 550 5.1.1 user unknown", "Transient/General", dsn="5.1.1")))
    assert found.disagreement == (
        "Amazon SES calls it temporary (Transient/General), but the reply says that it is final (550 5.1.1)."
    )
    assert found.confidence is Confidence.MEDIUM
    by_status = known(diagnose_reply(bounce("", "Transient/General", dsn="5.2.2")))
    assert (by_status.reason, by_status.confidence) == (Reason.MAILBOX_FULL, Confidence.LOW)


def test_reply_may_contradict_itself() -> None:
    found = known(diagnose_reply(bounce("smtp; 550 nein", "Undetermined/Undetermined", dsn="4.2.2")))
    assert found.disagreement == "The reply contradicts itself: its code is 550, its status 4.2.2."


def test_delay_that_the_server_calls_final_disagrees() -> None:
    delayed = fact(Source.SES, Event.DELAYED, delay_type="General", reply="smtp; 550 5.1.1 user unknown")
    assert "DeliveryDelay/General" in (known(diagnose_reply(delayed)).disagreement or "")


def test_coarse_label_beside_a_finer_reply_is_no_disagreement() -> None:
    assert (
        known(diagnose_reply(bounce("smtp; 550 virus detected", "Transient/ContentRejected"))).disagreement
        is None
    )
    full = "smtp; 552 5.2.2 over quota"
    assert known(diagnose_reply(bounce(full, "Transient/MessageTooLarge"))).disagreement is not None


def test_diagnosis_is_plain_data() -> None:
    found = known(diagnose_reply(bounce("smtp; 550 5.1.1 user unknown"))).as_json()
    assert found["evidence"] == {
        "rule": "user-unknown",
        "found": "user unknown",
        "said": "smtp; 550 5.1.1 user unknown",
    }
    assert (found["reason"], found["where"], found["by"]) == ("userunknown", "recipient", "support")


# --- rules

# (a reply that both fit, the rule that must win, the rule that must not)
ORDER = [
    ("454 Throttling failure: Daily message quota exceeded.", "ses-daily-quota", "ses-rate"),
    (
        "554 Transaction failed: Duplicate header 'DKIM-Signature'.",
        "ses-duplicate-header",
        "authentication-of-sender",
    ),
    ("554 5.7.1 infected attachment", "virus", "content"),
    ("554 4.4.7 Message expired <421 Connection timed out>", "expired", "connection"),
    ("550 too many hops", "loop", "rate"),
    ("550 blocked using our block list, no reverse DNS", "reverse-dns", "block-list"),
    ("450 greylisted by policy", "greylist", "policy"),
    ("421 rate limited: DKIM did not pass", "authentication-of-sender", "rate"),
    ("451 rate limited due to IP reputation", "reputation", "rate"),
    ("421 unusual rate of unsolicited mail", "rate", "spam"),
    ("552 over quota: message size", "mailbox-full", "size"),
    ("554 relay access denied by policy", "relaying", "policy"),
    ("550 Sender address rejected: Domain not found", "sender-refused", "domain-unknown"),
    ("550 account is disabled, user unknown", "suspended", "user-unknown"),
    ("550 user unknown: see our spam filter", "user-unknown", "spam"),
    ("554 spam detected, blocked using a policy", "spam", "block-list"),
    ("550 attachment against policy", "content", "policy"),
    ("553 this route requires (TLS) by policy", "tls", "policy"),
]


@pytest.mark.parametrize(("reply", "winner", "loser"), ORDER)
def test_what_is_specific_comes_before_what_is_general(reply: str, winner: str, loser: str) -> None:
    by_name = {rule.name: rule for rule in RULES}
    source = (
        relay(Event.BOUNCED, f"host {SES_HOST} said: {reply}") if winner.startswith("ses") else bounce(reply)
    )
    assert known(diagnose_reply(source)).evidence.rule == winner
    assert known(diagnose_reply(source, [by_name[loser]])).evidence.rule == loser


def test_rules_have_names_of_their_own_and_folded_phrases() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    phrases = [phrase for rule in RULES for phrase in rule.phrases]
    assert all(phrase and phrase == phrase.casefold() for phrase in phrases)


def test_operators_rules_come_first() -> None:
    own = rules_from(
        [
            {
                "name": "our-partner",
                "reason": "greylisted",
                "phrases": ["Komme * wieder"],
                "codes": ["4"],
                "where": "server",
                "summary": "The partner's gateway {sic} puts it off",
                "by": "support",
                "advice": "Call the partner.",
            }
        ]
    )
    delayed = fact(
        Source.SES, Event.DELAYED, delay_type="General", reply="smtp; 450 KOMME bitte WIEDER, too many"
    )
    found = known(diagnose([delayed], (*own, *RULES)))
    assert found.reason is Reason.GREYLISTED
    assert found.summary == "The partner's gateway {sic} puts it off."
    assert (found.by, found.advice) == (Whom.SUPPORT, "Call the partner.")
    assert found.evidence.rule == "our-partner"


def test_operators_rule_may_go_by_code_or_status_alone() -> None:
    own = rules_from(
        [
            {"name": "busy", "reason": "ratelimited", "statuses": ["x.9.9"], "advice": "Wait."},
            {"name": "odd", "reason": "policyviolation", "codes": ["577"]},
        ]
    )
    busy = known(diagnose_reply(bounce("smtp; 450 4.9.9 nein", "Transient/General"), own))
    assert (busy.reason, busy.evidence.found) == (Reason.RATE_LIMITED, "450 4.9.9")
    assert busy.summary == known(diagnose_reply(bounce("421 too many"))).summary
    odd = known(diagnose_reply(bounce("smtp; 577 nein"), own))
    assert (odd.reason, odd.evidence.found) == (Reason.POLICY_VIOLATION, "577")


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"reason": "blocked", "phrases": ["x"]}, r"rule \?: missing 'name'"),
        ({"name": "a", "phrases": ["x"]}, "rule a: missing 'reason'"),
        ({"name": "a", "reason": "nonsense", "phrases": ["x"]}, "rule a: 'nonsense'"),
        ({"name": "a", "reason": "blocked"}, "rule a: needs phrases, codes or statuses"),
        ({"name": "a", "reason": "blocked", "phrases": "x"}, "rule a: phrases must be a list"),
        ({"name": "a", "reason": "blocked", "phrases": ["*"]}, "rule a: phrases must be a list"),
        ({"name": "a", "reason": "blocked", "phrases": 5}, "rule a: "),
        ({"name": "a", "reason": "blocked", "phrase": ["x"]}, "rule a: unknown key 'phrase'"),
        ({"name": "a", "reason": "blocked", "phrases": ["x"], "where": "mars"}, "rule a: 'mars'"),
    ],
)
def test_operators_mistake_is_told_by_the_rules_name(table: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        rules_from([table])


# --- hostile text


@pytest.mark.parametrize(
    "piece",
    [
        "5.1.",
        "550-",
        "?550 5.1.1 ",
        "<550 ",
        "<crlf>",
        " ",
        "a",
        "mailbox ",
        "\N{RIGHT SINGLE QUOTATION MARK}",
        "😀",
        "*",
        "said: ",
    ],
)
def test_a_long_hostile_reply_is_read_to_its_end(piece: str) -> None:
    """A rule that went back over what it had read would not end here before the suite's own time is up."""
    reply = piece * (10_000 // len(piece))
    many_stars = Rule("stars", Reason.BLOCKED, ("*".join(["a"] * 50) + "*never",))
    for said in (bounce(reply), bounce("554 4.4.7 message expired <" + reply), relay(Event.BOUNCED, reply)):
        assert diagnose_reply(said, (many_stars, *RULES)) is not None


def test_what_is_shown_is_printable_and_bounded() -> None:
    found = known(diagnose_reply(bounce("550 \x1b[2Jgone\n" + "x" * 10_000)))
    assert found.evidence.said.isprintable()
    assert len(found.evidence.said) == 1_000
    assert found.evidence.said.startswith("550 ?[2Jgone?xxx")

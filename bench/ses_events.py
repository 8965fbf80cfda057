"""What Amazon SES says of the messages it took: whole events of event publishing, raw or in the envelope of SNS.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from collections.abc import Iterator
from random import Random

from bench import clock, words
from bench.messages import Message

ACCOUNT, REGION = "123456789012", "eu-west-1"
_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:ses-events"
_REPORTING = f"a7-11.smtp-out.{REGION}.amazonses.com"
_BOUNCED, _DELAYED, _COMPLAINED, _OPENED = 0.015, 0.02, 0.001, 0.03
# Of 2,048 bits; only their length matters.
_DKIM = "kQ7pVb3xT0uYwZr9" * 21 + "kQ7pVb3x"
_SIGNATURE = "EXAMPLEpH+DcEwjAPg8O9mY8dReBSwksfg2S7WKQ" * 8 + "EXAMPLEsig=="
_NOTICE = "Amazon SES Email Event Notification"

Event = tuple[float, str]  # when SES published it, the document


def of_message(message: Message, taken: float, rng: Random) -> Iterator[Event]:
    """Send, and for each recipient what became of the mail; each a JSON document."""
    mail = _mail(message, taken)
    yield taken + 0.6, _event("Send", mail, '"send":{}')
    for recipient in message.recipients:
        yield from _fate(mail, message.ses_id, recipient, taken, rng)


def _fate(mail: str, ses_id: str, to: str, taken: float, rng: Random) -> Iterator[Event]:
    luck, after = rng.random(), 0.7 + rng.expovariate(0.5)
    if luck < _BOUNCED:
        yield taken + after + 0.4, _event("Bounce", mail, _bounce(to, taken + after, rng))
        return
    if luck < _BOUNCED + _DELAYED:
        yield taken + after + 0.4, _event("DeliveryDelay", mail, _delay(to, taken + after, rng))
        after += 600
    yield taken + after + 0.4, _event("Delivery", mail, _delivery(to, ses_id, taken, after, rng))
    if luck > 1 - _OPENED:
        yield taken + after + 900, _event("Open", mail, _open(taken + after + 899))
    elif luck > 1 - _OPENED - _COMPLAINED:
        yield taken + after + 4_000, _event("Complaint", mail, _complaint(to, taken + after + 3_990, rng))


def _event(kind: str, mail: str, detail: str) -> str:
    return f'{{"eventType":"{kind}","mail":{mail},{detail}}}'


def _mail(message: Message, taken: float) -> str:
    domain = message.sender.partition("@")[2]
    to = ", ".join(message.recipients)
    destination = '","'.join(message.recipients)
    return (
        f'{{"timestamp":"{clock.of_ses(taken)}","source":"{message.sender}",'
        f'"sourceArn":"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{domain}","sendingAccountId":"{ACCOUNT}",'
        f'"messageId":"{message.ses_id}","destination":["{destination}"],"headersTruncated":false,'
        f'"headers":[{_headers(message, domain, to)}],'
        f'"commonHeaders":{{"returnPath":"{message.sender}","from":["Example Ltd. <{message.sender}>"],'
        f'"date":"{clock.of_header(message.at)}","to":["{destination}"],"messageId":"{message.ses_id}","subject":{message.subject[2]}}},'
        f'"tags":{{"ses:source-tls-version":["TLSv1.3"],"ses:operation":["SendSmtpEmail"],'
        f'"ses:configuration-set":["postroad"],"ses:source-ip":["203.0.113.10"],"ses:from-domain":["{domain}"],'
        f'"ses:caller-identity":["relay-smtp-user"]}}}}'
    )


def _headers(message: Message, domain: str, to: str) -> str:
    client, date = message.client.partition("[")[0], clock.of_header(message.at)
    received = (
        f"by {message.relay.fqdn} (Postfix, from userid 33) id {message.queue_id}; {date} (UTC)"
        if message.daemon == "pickup"
        else f"from {client} ({message.client.replace('[', ' [')})\\tby {message.relay.fqdn} (Postfix) with ESMTPS"
        f" id {message.queue_id}\\tfor <{message.recipients[0]}>; {date} (UTC)"
    )
    return (
        f'{{"name":"Received","value":"{received}"}},'
        f'{{"name":"DKIM-Signature","value":"v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; '
        f's=mail; t={int(message.at)}; h=From:To:Subject:Date:Message-ID; b={_DKIM}"}},'
        f'{{"name":"From","value":"Example Ltd. <{message.sender}>"}},{{"name":"To","value":"{to}"}},'
        f'{{"name":"Subject","value":{message.subject[1]}}},{{"name":"Date","value":"{date}"}},'
        f'{{"name":"Message-ID","value":"<{message.message_id}>"}},{{"name":"MIME-Version","value":"1.0"}},'
        '{"name":"Content-Type","value":"multipart/alternative; boundary=\\"=_b7f1\\""},'
        '{"name":"X-SES-CONFIGURATION-SET","value":"postroad"}'
    )


def _delivery(to: str, ses_id: str, taken: float, after: float, rng: Random) -> str:
    reply = rng.choice(words.DELIVERED).format(last=rng.randrange(100, 999), ses_id=ses_id)
    return (
        f'"delivery":{{"timestamp":"{clock.of_ses(taken + after)}","processingTimeMillis":{int(after * 1_000)},'
        f'"recipients":["{to}"],"smtpResponse":"{reply}","remoteMtaIp":"192.0.2.25","reportingMTA":"{_REPORTING}"}}'
    )


def _bounce(to: str, at: float, rng: Random) -> str:
    kind, sub_kind, status, diagnostic = rng.choice(words.BOUNCES)
    return (
        f'"bounce":{{"feedbackId":"{_feedback_id(at, rng)}","bounceType":"{kind}","bounceSubType":"{sub_kind}",'
        f'"bouncedRecipients":[{{"emailAddress":"{to}","action":"failed","status":"{status}","diagnosticCode":"{diagnostic}"}}],'
        f'"timestamp":"{clock.of_ses(at)}","reportingMTA":"dns; {_REPORTING}"}}'
    )


def _delay(to: str, at: float, rng: Random) -> str:
    kind, status, diagnostic = rng.choice(words.DELAYS)
    return (
        f'"deliveryDelay":{{"timestamp":"{clock.of_ses(at)}","delayType":"{kind}",'
        f'"expirationTime":"{clock.of_ses(at + 50_400)}","delayedRecipients":['
        f'{{"emailAddress":"{to}","status":"{status}","diagnosticCode":"{diagnostic}"}}]}}'
    )


def _complaint(to: str, at: float, rng: Random) -> str:
    stamp = clock.of_ses(at)
    return (
        f'"complaint":{{"feedbackId":"{_feedback_id(at, rng)}","complaintSubType":null,'
        f'"complainedRecipients":[{{"emailAddress":"{to}"}}],"timestamp":"{stamp}",'
        f'"userAgent":"ExampleCorp Feedback Loop (V0.01)","complaintFeedbackType":"abuse","arrivalDate":"{stamp}"}}'
    )


def _open(at: float) -> str:
    return (
        f'"open":{{"ipAddress":"198.51.100.77","timestamp":"{clock.of_ses(at)}",'
        '"userAgent":"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0","isBotEvent":"Unlikely"}'
    )


def _feedback_id(at: float, rng: Random) -> str:
    return f"0102{int(at * 1_000):012x}-{rng.getrandbits(128):032x}-000000"


def in_sns(document: str, at: float, rng: Random) -> str:
    """The document as the body of an SQS message that SNS wrote."""
    quoted = document.replace("\\", "\\\\").replace('"', '\\"')
    number = f"{rng.getrandbits(128):032x}"
    return (
        f'{{"Type":"Notification","MessageId":"{number}","TopicArn":"{_TOPIC}","Subject":"{_NOTICE}",'
        f'"Message":"{quoted}\\n","Timestamp":"{clock.of_ses(at)}","SignatureVersion":"1","Signature":"{_SIGNATURE}",'
        f'"SigningCertURL":"https://sns.{REGION}.amazonaws.com/SimpleNotificationService-{number}.pem",'
        f'"UnsubscribeURL":"https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={_TOPIC}:{number}"}}'
    )

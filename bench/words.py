"""What the generated traffic is made of: names, addresses and servers' words, all from the ranges for examples."""

import json

SENDERS = tuple(
    f"{local}@{domain}"
    for domain in ("shop.example.org", "bank.example.net", "news.example.com", "clinic.example.org")
    for local in ("no-reply", "billing", "orders", "bounces+campaign-7f3a", "alerts")
)
FIRST_NAMES = tuple(
    "anna ben carla david elena farid grace hugo ines jonas kofi lena mateo nadia omar paula quentin rosa sven tara"
    " umar vera wei xenia yusuf zoe o'brien".split()
)
LAST_NAMES = tuple(
    "adler brown costa diaz evans fischer garcia haddad ito jensen kowalski lopez mueller novak okafor petit"
    " quinn rossi silva tanaka ueda varga wagner xu yilmaz zhang".split()
)
# The first is mailed most.
DOMAINS = (
    *("mail.example.com",) * 9,
    *("webmail.example.net",) * 5,
    *("post.example.org",) * 3,
    *(f"firm{number}.example.com" for number in range(40)),
)
_SUBJECTS = (
    ("Your order has shipped", "Your order has shipped"),
    ("Invoice 2026-0117", "Invoice 2026-0117"),
    ("=?UTF-8?Q?Ihre_Rechnung_f=C3=BCr_M=C3=A4rz?=", "Ihre Rechnung für März"),
    ('Re: "status=sent" in the log, relay=none', 'Re: "status=sent" in the log, relay=none'),
    ("Reset your password", "Reset your password"),
    ("=?UTF-8?B?44GU5rOo5paH44GC44KK44GM44Go44GG?=", "ご注文ありがとう"),
    ("Weekly report: 34% more visits", "Weekly report: 34% more visits"),
)
# As the log and the header show it, as a JSON string, and decoded as a JSON string.
SUBJECTS = tuple((raw, json.dumps(raw), json.dumps(decoded)) for raw, decoded in _SUBJECTS)

SES_RELAY = "email-smtp.eu-west-1.amazonaws.com[198.51.100.{last}]:587"
SES_HOST = "email-smtp.eu-west-1.amazonaws.com[198.51.100.{last}]"
# What a first try may meet: the relay, the enhanced status, the reply.
TEMPORARY = (
    (
        SES_RELAY,
        "4.0.0",
        (
            f"host {SES_HOST} said: 454 Throttling failure: Maximum sending rate exceeded."
            " (in reply to end of DATA command)"
        ),
    ),
    ("none", "4.4.1", f"connect to {SES_HOST}:587: Connection timed out"),
    (
        SES_RELAY,
        "4.4.2",
        f"lost connection with {SES_HOST} while sending end of data -- message may be sent more than once",
    ),
)
PERMANENT = (
    SES_RELAY,
    "5.0.0",
    (
        f"host {SES_HOST} said: 554 Message rejected: Email address is not verified. The following identities failed"
        " the check in region EU-WEST-1: {sender} (in reply to end of DATA command)"
    ),
)

# What a remote server says of mail: the reply to a delivery, the status and diagnostic of a bounce and of a delay.
DELIVERED = (
    "250 2.0.0 OK  1771977920 5b1f17b1804b1-4830eaccf2bsi3208495e9.{last} - gsmtp",
    "250 2.6.0 <{ses_id}@eu-west-1.amazonses.com> [InternalId=12047{last}] Queued mail for delivery",
    "250 ok dirdel",
    "250 2.0.0 Ok: queued as 4jXH0r{last}Zz9sQ",
)
BOUNCES = (
    ("Permanent", "General", "5.1.1", "smtp; 550 5.1.1 user unknown"),
    ("Permanent", "General", "5.7.1", "smtp; 550-5.7.1 message refused by policy"),
    (
        "Transient",
        "MailboxFull",
        "5.2.2",
        "smtp; 552 5.2.2 The email account that you tried to reach is over quota",
    ),
    (
        "Transient",
        "General",
        "5.4.7",
        "smtp; 554 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.0>",
    ),
)
DELAYS = (
    ("MailboxFull", "4.2.2", "smtp; 452 4.2.2 The email account that you tried to reach is over quota"),
    ("TransientCommunicationFailure", "4.4.1", "smtp; 421 4.4.1 Unable to connect to remote host"),
)

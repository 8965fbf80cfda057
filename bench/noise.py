"""The lines that say nothing of a message, a third of a real log."""

from random import Random

from bench import clock
from bench.relays import Relay

_CIPHER = (
    "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS"
)
_STRANGER = "unknown[203.0.113.{last}]"
_SES = "email-smtp.eu-west-1.amazonaws.com[198.51.100.{last}]:587"
# How often, which program, and what it writes; {last} is the end of an address, {port} a port, {at} a stamp.
_LINES = (
    (18, "smtp", f"Verified TLS connection established to {_SES}: {_CIPHER}"),
    (
        14,
        "smtpd",
        f"Anonymous TLS connection established from app{{last}}.example.org[192.0.2.{{last}}]: {_CIPHER}",
    ),
    (6, "smtpd", f"lost connection after AUTH from {_STRANGER}"),
    (3, "smtpd", f"timeout after DATA (0 bytes) from {_STRANGER}"),
    (
        4,
        "smtpd",
        f"warning: {_STRANGER}: SASL LOGIN authentication failed: authentication failure, sasl_username=admin",
    ),
    (
        4,
        "smtpd",
        "warning: hostname host-{last}.example.net does not resolve to address 203.0.113.{last}: Name not known",
    ),
    (2, "smtpd", "warning: non-SMTP command from " + _STRANGER + ": GET / HTTP/1.1"),
    (
        3,
        "smtp",
        "warning: TLS library problem: error:0A000126:SSL routines::unexpected eof while reading:rec_layer_s3.c:303:",
    ),
    (5, "anvil", "statistics: max connection rate {last}/60s for (smtp:192.0.2.{last}) at {at}"),
    (5, "anvil", "statistics: max connection count 4 for (smtp:192.0.2.{last}) at {at}"),
    (5, "anvil", "statistics: max cache size {last} at {at}"),
    (3, "scache", "statistics: address lookup hits={last} miss={port} success=2%"),
    (6, "postscreen", "CONNECT from [203.0.113.{last}]:{port} to [192.0.2.7]:25"),
    (4, "postscreen", "PASS OLD [203.0.113.{last}]:{port}"),
    (3, "postscreen", "DNSBL rank 3 for [203.0.113.{last}]:{port}"),
    (3, "postscreen", "HANGUP after 0.3 from [203.0.113.{last}]:{port} in tests before SMTP handshake"),
    (2, "dnsblog", "addr 203.0.113.{last} listed by domain dnsbl.example.net as 127.0.0.2"),
    (2, "tlsproxy", "CONNECT from [203.0.113.{last}]:{port}"),
    (3, "opendkim", "{queue_id}: DKIM-Signature field added (s=mail, d=shop.example.org)"),
    (2, "policyd-spf", "prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.{last}"),
    (1, "CRON", "(root) CMD (   cd / && run-parts --report /etc/cron.hourly)"),
    (1, "sshd", "Accepted publickey for deploy from 192.0.2.{last} port {port} ssh2: ED25519"),
    (1, "master", "reload -- version 3.7.11, configuration /etc/postfix"),
)
_WEIGHTED = [(program, text) for weight, program, text in _LINES for _ in range(weight)]


def line(relay: Relay, at: float, rng: Random) -> str:
    """One line that is none of a message's."""
    program, text = rng.choice(_WEIGHTED)
    said = text.format(
        last=rng.randrange(1, 255),
        port=rng.randrange(1_024, 65_536),
        at=clock.traditional(at - 200),
        queue_id=relay.queue_id(at) if program == "opendkim" else "",
    )
    return relay.line(at, program, said)


def connect(relay: Relay, at: float, daemon: str, client: str) -> str:
    return relay.line(at, daemon, f"connect from {client}")


def disconnect(relay: Relay, at: float, daemon: str, client: str) -> str:
    return relay.line(
        at, daemon, f"disconnect from {client} ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7"
    )

"""Who receives mail: mailbox providers, known by a recipient's domain or by how their servers answer.

An operator adds rows: to `BY_DOMAIN` domains (which stand for all below them), to `BY_REPLY` what only a provider's own
servers say, which tells who hosts the domains of others.
"""

from collections.abc import Iterable, Mapping

OTHER = "other"

BY_DOMAIN = {
    "gmail.com": "google",
    "googlemail.com": "google",
    "outlook.com": "microsoft",
    "hotmail.com": "microsoft",
    "hotmail.co.uk": "microsoft",
    "hotmail.de": "microsoft",
    "hotmail.fr": "microsoft",
    "live.com": "microsoft",
    "msn.com": "microsoft",
    "yahoo.com": "yahoo",
    "yahoo.co.jp": "yahoo japan",
    "yahoo.co.uk": "yahoo",
    "yahoo.de": "yahoo",
    "yahoo.fr": "yahoo",
    "ymail.com": "yahoo",
    "rocketmail.com": "yahoo",
    "aol.com": "yahoo",
    "icloud.com": "apple",
    "me.com": "apple",
    "mac.com": "apple",
    "gmx.de": "united internet",
    "gmx.net": "united internet",
    "gmx.com": "united internet",
    "web.de": "united internet",
    "mail.com": "united internet",
    "t-online.de": "telekom",
    "orange.fr": "orange",
    "wanadoo.fr": "orange",
    "free.fr": "free",
    "comcast.net": "comcast",
    "protonmail.com": "proton",
    "proton.me": "proton",
    "fastmail.com": "fastmail",
    "zoho.com": "zoho",
    "mail.ru": "mail.ru",
    "yandex.ru": "yandex",
    "yandex.com": "yandex",
    "qq.com": "tencent",
    "163.com": "netease",
    "126.com": "netease",
    "naver.com": "naver",
}
BY_REPLY = {
    " - gsmtp": "google",  # ends every answer of Google's servers
    ".prod.outlook.com": "microsoft",  # names the server behind Exchange Online that took or refused it
    ".protection.outlook.com": "microsoft",
    ".mail.protection.outlook": "microsoft",
    "yahoo.com/postmaster": "yahoo",
    "postmaster.yahooinc.com": "yahoo",
    "support.apple.com": "apple",
    ".mimecast.com": "mimecast",
    ".pphosted.com": "proofpoint",
    ".messagelabs.com": "broadcom",
    "amazonses.com": "amazon",  # the mailbox simulator
}


def provider(
    address: str,
    replies: Iterable[str] = (),
    *,
    by_domain: Mapping[str, str] = BY_DOMAIN,
    by_reply: Mapping[str, str] = BY_REPLY,
) -> str:
    """The provider of a folded address, as its domain or a server's reply tells; `other` where neither does."""
    domain = address.rpartition("@")[2]
    while domain:
        if domain in by_domain:
            return by_domain[domain]
        domain = domain.partition(".")[2]
    said = "\n".join(replies).lower()
    return next((name for words, name in by_reply.items() if words in said), OTHER)

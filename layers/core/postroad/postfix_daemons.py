"""What each daemon of Postfix says of a message, by how it begins."""

from postroad import postfix_forms as forms
from postroad.postfix_forms import Reader

_DELIVERY: tuple[tuple[str, Reader], ...] = (("to=", forms.delivery),)
_QUEUE_MANAGER: tuple[tuple[str, Reader], ...] = (
    ("from=", forms.queue_manager),
    ("removed", forms.removed),
    *_DELIVERY,
)
# What each daemon says of a message, by how it begins; the daemons that are not here never say anything of one.
FORMS: dict[str, tuple[tuple[str, Reader], ...]] = {
    "smtp": _DELIVERY,
    "lmtp": _DELIVERY,
    "error": _DELIVERY,
    "retry": _DELIVERY,
    "local": _DELIVERY,
    "virtual": _DELIVERY,
    "pipe": _DELIVERY,
    "discard": (("to=", forms.discarded),),
    "verify": _DELIVERY,
    "qmgr": _QUEUE_MANAGER,
    "oqmgr": _QUEUE_MANAGER,
    "nqmgr": _QUEUE_MANAGER,
    "smtpd": (("client=", forms.client), *_DELIVERY, ("", forms.action)),
    "qmqpd": (("client=", forms.client),),
    "postscreen": (*_DELIVERY, ("", forms.action)),
    "pickup": (("uid=", forms.pickup),),
    "cleanup": (
        ("message-id=", forms.message_id),
        ("resent-message-id=", forms.message_id),
        ("removed", forms.removed),
        *_DELIVERY,
        ("", forms.action),
    ),
    "bounce": (("sender ", forms.notification), ("postmaster ", forms.notification), *_DELIVERY),
    "defer": (("sender ", forms.notification), ("postmaster ", forms.notification), *_DELIVERY),
    "trace": (("sender ", forms.notification), *_DELIVERY),
    "postsuper": (("", forms.operator),),
    "ses-events": (("to=", forms.unified),),
}
# A line without a tag is known by its beginning alone.
UNTAGGED: tuple[tuple[str, Reader], ...] = (
    *_QUEUE_MANAGER,
    *FORMS["qmqpd"],
    *FORMS["pickup"],
    *FORMS["bounce"][:2],
    *FORMS["cleanup"],
)

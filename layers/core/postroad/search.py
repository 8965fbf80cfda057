"""Questions to a store: journeys of an address, of an id, of all records in turn."""

from collections.abc import Iterable, Iterator

from postroad.addresses import folded
from postroad.codec import Key, encode
from postroad.facts import Event, Fact
from postroad.ids import NOQUEUE
from postroad.instants import Instant, day, seconds_between
from postroad.journey import Journey, assemble
from postroad.lives import Life, at_time, leads_back, leads_on, split
from postroad.places import MESSAGE, lookup_of_message_id, ses_key
from postroad.records import Record
from postroad.store.contract import Store
from postroad.unified import claim

# A message that passes more queues than this goes round in circles.
LONGEST_CHAIN = 200
# A relay logs the end of a life at once; SES stamps what it took in between.
_SLACK_S = 60
_SEEN_AT_MOST = 100
_LIVES_KEPT = 64

Anchor = tuple[Key, str]


class Search:
    """Joins a store's records to journeys. Each journey has one anchor: a record, and its first fact there."""

    def __init__(self, store: Store, now: Instant) -> None:
        """Ask `store`; `now` decides which deliveries are silent."""
        self._store = store
        self._now = now
        self._lives: dict[str, list[Life]] = {}
        self._chains: dict[int, list[Life]] = {}

    def of_address(
        self,
        address: str,
        *,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> tuple[list[Journey], str | None]:
        """One page of a recipient's mail, the newest first, and where the next page starts."""
        page = self._store.lookup(folded(address), since=since, until=until, limit=limit, cursor=cursor)
        return self.of_records(self._store.get(page.keys)), page.cursor

    def of_id(self, identifier: str) -> list[Journey]:
        """What an SES id, a queue id or a Message-ID names."""
        word = identifier.strip().removeprefix("<").removesuffix(">")
        found = self._store.partition(f"ses#{word}") + self._store.partition(f"queue#{word}")
        return self.of_records(found, whole=True) if found else self._of_message_id(word)

    def _of_message_id(self, message_id: str) -> list[Journey]:
        keys = self._store.lookup(lookup_of_message_id(message_id), limit=_SEEN_AT_MOST).keys
        known = [record for key in keys if key.sk == MESSAGE for record in self._store.partition(key.pk)]
        found = self.of_records([*known, *self._store.get(keys)], whole=True)
        # One hour's record of a short queue id may tell of several messages.
        return [one for one in found if one.message_id == message_id] or found

    def of_records(self, records: Iterable[Record], *, whole: bool = False) -> list[Journey]:
        """The journeys these records belong to, the newest first; `whole` takes a queue record for all its mail."""
        found: dict[Anchor, Journey] = {}
        for record in records:
            for anchor, assembled in self._of(record, whole=whole):
                found.setdefault(anchor, assembled)
        return sorted(found.values(), key=lambda one: (one.first_seen, one.recipient or ""), reverse=True)

    def anchored(self, records: Iterable[Record]) -> Iterator[Journey]:
        """Each journey at its anchor, in the records' order: all records give all journeys, each once."""
        for record in records:
            self._forget()
            for anchor, assembled in self._of(record, whole=False):
                if anchor[0] == record.key:
                    yield assembled

    def _of(self, record: Record, *, whole: bool) -> Iterator[tuple[Anchor, Journey]]:
        kind, _, name = record.key.pk.partition("#")
        if kind == "ses":
            if record.key.address is not None:
                yield self._known_to_ses(record)
        elif kind == "noqueue":
            if record.key.address:
                yield (record.key, ""), assemble(record.key.address, record, [], self._now)
        else:
            for life in self._lives_of(name):
                if record.key in life.keys:
                    yield from self._of_life(life, record.key.address, whole=whole)

    def _known_to_ses(self, record: Record) -> tuple[Anchor, Journey]:
        return (record.key, ""), assemble(record.key.address, record, self._claimed_lives(record), self._now)

    def _claimed_lives(self, record: Record) -> list[Life]:
        facts = record.facts()
        claimed = claim(facts)
        if claimed is None or claimed.queue_id == NOQUEUE:
            return []
        lives = self._lives_of(claimed.queue_id)
        ses_id, address = record.key.pk[4:], record.key.address
        named = (life for life in lives if any(fact.get("ses_id") == ses_id for fact in life.of(address)))
        at = next(fact["at"] for fact in facts if "at" in fact and "queue_id" in fact)
        # Another site's Postfix may use the same queue id, so that a header alone must name a host of the life.
        known = [life for life in lives if life.knows(claimed.host)]
        life = next(named, None) or _under_way(at_time(known, at, claimed.host), at)
        return self._chain(life) if life else []

    def _of_life(self, life: Life, address: str | None, *, whole: bool) -> Iterator[tuple[Anchor, Journey]]:
        chain = self._chain(life)
        recipients = dict.fromkeys(recipient for part in chain for recipient in part.recipients())
        for recipient in _asked_for(address, chain, recipients, whole=whole):
            yield from self._of_recipient(recipient, chain)
        if not recipients and (whole or _is_pending(chain)):
            yield from self._without_recipient(chain, whole=whole)

    def _of_recipient(self, address: str, chain: list[Life]) -> Iterator[tuple[Anchor, Journey]]:
        own = [fact for part in chain for fact in part.of(address)]
        keys = [ses_key(fact["ses_id"], address) for fact in own if "ses_id" in fact]
        known = self._store.get(dict.fromkeys(keys)) or self._claiming(address, own, chain)
        for record in known:
            yield self._known_to_ses(record)
        if not known:
            yield _anchor(own, chain), assemble(address, None, chain, self._now)

    def _claiming(self, address: str, own: list[Fact], chain: list[Life]) -> list[Record]:
        """SES's records of this mail where the relay's own line of it is lost and only its Received header tells."""
        if any(fact["event"] not in (Event.DEFERRED, Event.HELD) for fact in own):
            return []
        queue_ids = {life.queue_id for life in chain}
        keys = self._store.lookup(
            address, since=day(min(life.began for life in chain)), limit=_SEEN_AT_MOST
        ).keys
        records = self._store.get(key for key in keys if key.pk.startswith("ses#"))
        claims = [(record, claim(record.facts())) for record in records]
        return [
            record
            for record, found in claims
            if found and found.queue_id in queue_ids and self._is_of(record, chain)
        ]

    def _is_of(self, record: Record, chain: list[Life]) -> bool:
        """Tell whether a record claims a life of this chain, and not another life of the same queue id."""
        return any(claimed is life for claimed in self._claimed_lives(record) for life in chain)

    def _without_recipient(self, chain: list[Life], *, whole: bool) -> Iterator[tuple[Anchor, Journey]]:
        facts = [fact for part in chain for fact in part.facts]
        said = next((folded(fact["to"]) for fact in facts if fact.get("to")), None)
        known = self._claiming(said, [], chain) if said else []
        for record in known if whole else ():
            yield self._known_to_ses(record)
        if not known:
            key = chain[0].keys[0]
            yield (key, encode(chain[0].facts[0], key)), assemble(said, None, chain, self._now)

    def _forget(self) -> None:
        """A message to thousands has as many records, and one partition of its queue id."""
        if len(self._lives) > _LIVES_KEPT:
            self._lives.clear()
            self._chains.clear()

    def _lives_of(self, queue_id: str) -> list[Life]:
        if queue_id not in self._lives:
            self._lives[queue_id] = split(queue_id, self._store.partition(f"queue#{queue_id}"))
        return self._lives[queue_id]

    def _chain(self, life: Life) -> list[Life]:
        """The lives of one message under all its queue ids: requeued, or through a content filter and back."""
        if id(life) not in self._chains:
            chain = self._followed(life)
            self._chains.update({id(part): chain for part in chain})
        return self._chains[id(life)]

    def _followed(self, life: Life) -> list[Life]:
        found: list[Life] = []
        todo = [life]
        while todo and len(found) < LONGEST_CHAIN:
            life = todo.pop()
            if not any(life is known for known in found):
                found.append(life)
                ways = ((self._lives_of(queue_id), fact) for queue_id, fact in _ways(life))
                led = (at_time(lives, fact["at"], fact.get("host")) for lives, fact in ways)
                todo += [other for other in led if other]
        # A filter may give a message back within the second in which it came.
        return sorted(found, key=lambda one: (one.began, bool(leads_back(one))))


def _ways(life: Life) -> list[tuple[str, Fact]]:
    return leads_back(life) + leads_on(life)


def _anchor(own: list[Fact], chain: list[Life]) -> Anchor:
    """The record in which a recipient's first fact stands; two lives may have theirs in one."""
    first = min(own, key=lambda fact: fact["at"])
    said = ((fact, key) for life in chain for fact, key in zip(life.facts, life.keys, strict=True))
    key = next(key for fact, key in said if fact is first)
    return key, encode(first, key)


def _asked_for(
    address: str | None, chain: list[Life], recipients: Iterable[str], *, whole: bool
) -> Iterable[str]:
    """The recipients to tell of: the one asked for, those an alias stood for, or all."""
    if address is None:
        return recipients if whole else ()
    if address in recipients:
        return (address,)
    facts = (fact for life in chain for recipient in life.recipients() for fact in life.of(recipient))
    return dict.fromkeys(folded(fact["to"]) for fact in facts if folded(fact.get("orig_to", "")) == address)


def _under_way(life: Life | None, at: Instant) -> Life | None:
    return life if life and (life.ended is None or seconds_between(life.ended, at) <= _SLACK_S) else None


def _is_pending(chain: list[Life]) -> bool:
    """Tell whether a message without a known recipient is still one: queued whole, and not gone."""
    last = chain[-1]
    return any(life.has(Event.MESSAGE_ID, Event.ACTIVE, Event.PICKUP) for life in chain) and (
        last.ended is None or last.has(Event.EXPIRED, Event.DELETED)
    )

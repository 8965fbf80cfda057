"""The relay hosts, and how each writes its log: stamps, queue ids, process ids."""

from random import Random

from bench import clock

_SAFE = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"  # util/safe_ultostr.c
# A spool reuses its inodes, so that short ids recur now and then, as real ones do.
_FIRST_INODE, _INODES = 0x80_000, 2_000
_PROCESSES = {
    "smtpd": 12,
    "submission/smtpd": 6,
    "smtp": 10,
    "cleanup": 6,
    "bounce": 2,
    "anvil": 1,
    "qmgr": 1,
}


class Relay:
    """One Postfix host."""

    def __init__(self, number: int, rng: Random) -> None:
        """Number 0 and 1 write traditional stamps, 2 and 3 RFC 3339; 0 and 2 have long queue ids, 1 logs Subjects."""
        self.name = f"mx{number + 1}"
        self.fqdn = f"{self.name}.example.org"
        self.logs_subjects = number == 1
        self._stamp = clock.traditional if number < 2 else clock.rfc3339
        self._long_ids = number % 2 == 0
        self._rng = rng
        self._pids = {
            daemon: [1_000 * (number + 1) + rng.randrange(30_000) for _ in range(count)]
            for daemon, count in _PROCESSES.items()
        }
        self._other_pid = [rng.randrange(300, 30_000)]

    def line(self, at: float, program: str, text: str) -> str:
        """One line of the log; a program without a slash that is a daemon of Postfix gets its prefix."""
        pids = self._pids.get(program, self._other_pid)
        tag = f"postfix/{program}" if program in self._pids or program in _RARE else program
        # A process serves for a while, so that a client's lines mostly share one.
        return f"{self._stamp(at)} {self.name} {tag}[{pids[int(at / 20) % len(pids)]}]: {text}\n"

    def queue_id(self, at: float) -> str:
        """As global/mail_queue.h makes them: `4jXH0q03gszLdBG` or `1DC4D985C10`."""
        micros = int(at % 1 * 1_000_000)
        inode = _FIRST_INODE + self._rng.randrange(_INODES)
        if self._long_ids:
            return long_id(at, inode)
        return f"{micros:05X}{inode:X}"


_RARE = frozenset("pickup postscreen tlsproxy dnsblog scache master tlsmgr postfix-script".split())


def long_id(at: float, inode: int) -> str:
    """The long form: seconds, microseconds and the inode (global/mail_queue.h)."""
    return f"{_based(int(at), 52)}{_based(int(at % 1 * 1_000_000), 52):0>4}z{_based(inode, 51)}"


def _based(number: int, base: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, base)
        digits = _SAFE[digit] + digits
    return digits

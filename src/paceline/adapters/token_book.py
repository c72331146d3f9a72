"""The tokens a node gave out, hashed, and the hosts it may drive: two JSON files for root only.

Both are changed under a lock, so that the node service and a command do not undo each other.
"""

import contextlib
import fcntl
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from paceline.adapters.durable_files import make_folder, read_if_there, replace_file
from paceline.adapters.node_paths import NodePaths
from paceline.ports.node import TokenHolder
from paceline.ports.node_calls import KnownHost

TOKEN_BYTES = 32
TOKEN_DAYS_UNUSED_MAX = 400
"""A token that was not used for so long is void; use renews it, so a living cluster never stops."""
RENEWED_AFTER_S = 86_400
"""A token's last use is written at most once a day."""
TOKENS_MAX = 1000
TOKENS_PER_HOLDER_MAX = 8
"""A host that authenticates again and again does not fill the book; its last ones stay valid."""
HOSTS_MAX = 1000
FILE_SIZE_MAX = 4 * 1024 * 1024


class _Token(Struct, kw_only=True):
    """A token given out; `digest` is its SHA-256, times are seconds since 1970.

    `bound`: it counts only with its holder's cluster certificate.
    """

    digest: str
    holder: str
    issued: int
    used: int
    bound: bool = False


class _Tokens(Struct, kw_only=True):
    format: int = 1
    tokens: list[_Token] = []  # msgspec copies it


class _Hosts(Struct, kw_only=True):
    format: int = 1
    hosts: list[KnownHost] = []  # msgspec copies it


def _now_s() -> int:
    return int(time.time())


class FileTokenBook:
    """The two files."""

    def __init__(self, paths: NodePaths, *, now_s: Callable[[], int] = _now_s) -> None:
        """Remember where they are; a missing file is an empty one."""
        self._paths = paths
        self._now_s = now_s

    def issue(self, holder: str) -> str:
        """Make a token; the oldest are dropped beyond the limit."""
        token = secrets.token_hex(TOKEN_BYTES)
        now = self._now_s()
        with self._locked():
            kept = _without_oldest(self._read_tokens(), holder)
            kept.append(_Token(digest=_digest(token), holder=holder, issued=now, used=now))
            self._write_tokens(kept[-TOKENS_MAX:])
        return token

    def find(self, token: str) -> TokenHolder | None:
        """Return the holder of a token that is not expired. Every entry is compared."""
        digest, now = _digest(token), self._now_s()
        found: _Token | None = None
        for entry in self._read_tokens():
            if hmac.compare_digest(entry.digest, digest):
                found = entry
        if found is None or now - found.used > TOKEN_DAYS_UNUSED_MAX * 86_400:
            return None
        if now - found.used > RENEWED_AFTER_S:
            self._change(digest, used=now)
        return TokenHolder(name=found.holder, is_bound=found.bound)

    def bind(self, token: str) -> None:
        """Make the token count only with a certificate."""
        self._change(_digest(token), used=self._now_s(), is_bound=True)

    def revoke(self, holders: Sequence[str]) -> None:
        """Forget every token of these hosts."""
        with self._locked():
            self._write_tokens([t for t in self._read_tokens() if t.holder not in holders])

    def known_hosts(self) -> Mapping[str, KnownHost]:
        """Return the hosts this node may drive, by name."""
        return {host.name: host for host in self._read_hosts()}

    def remember(self, hosts: Sequence[KnownHost]) -> None:
        """Keep hosts; the newer entry of a name wins."""
        with self._locked():
            kept = {host.name: host for host in (*self._read_hosts(), *hosts)}
            self._write_hosts([kept[name] for name in sorted(kept)][:HOSTS_MAX])

    def forget(self, names: Sequence[str]) -> None:
        """Drop hosts."""
        with self._locked():
            self._write_hosts([host for host in self._read_hosts() if host.name not in names])

    def _change(self, digest: str, *, used: int, is_bound: bool = False) -> None:
        with self._locked():
            tokens = self._read_tokens()
            for entry in tokens:
                if hmac.compare_digest(entry.digest, digest):
                    entry.used = used
                    entry.bound = entry.bound or is_bound
            self._write_tokens(tokens)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        make_folder(self._paths.state)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(self._paths.state / ".tokens.lock", flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _read_tokens(self) -> list[_Token]:
        content = read_if_there(self._paths.tokens, size_max=FILE_SIZE_MAX)
        if content is None:
            return []
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(content, type=_Tokens).tokens
        # An altered file opens no door: hosts have to authenticate again.
        return []

    def _write_tokens(self, tokens: list[_Token]) -> None:
        content = msgspec.json.encode(_Tokens(tokens=tokens))
        replace_file(self._paths.tokens, content, mode=0o600)

    def _read_hosts(self) -> list[KnownHost]:
        content = read_if_there(self._paths.known_hosts, size_max=FILE_SIZE_MAX)
        if content is None:
            return []
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(content, type=_Hosts).hosts
        return []

    def _write_hosts(self, hosts: list[KnownHost]) -> None:
        content = msgspec.json.encode(_Hosts(hosts=hosts))
        replace_file(self._paths.known_hosts, content, mode=0o600)


def _without_oldest(tokens: list[_Token], holder: str) -> list[_Token]:
    """Drop a holder's oldest tokens so that one more has a place."""
    own = [token for token in tokens if token.holder == holder]
    dropped = own[: max(0, len(own) + 1 - TOKENS_PER_HOLDER_MAX)]
    return [token for token in tokens if not any(token is old for old in dropped)]


def _digest(token: str) -> str:
    """Return the SHA-256: enough for 256 random bits, which nobody guesses from a dictionary."""
    return hashlib.sha256(token.encode()).hexdigest()

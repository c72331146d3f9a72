"""Give a command in a node the user's terminal: its input, its size, its outputs, its end.

A terminal of its own is made for the command, because the user's belongs to the shell he came from;
what he types goes there raw, so Ctrl-C and job control work in the node.
"""

import contextlib
import fcntl
import os
import selectors
import signal
import struct
import sys
import termios
import tty
from collections.abc import Mapping, Sequence

from paceline.lab import wire
from paceline.lab.members import LabError, Member
from paceline.lab.wire import Channel, Request, WireError

_CHUNK_BYTES = 65536


def is_terminal() -> bool:
    """Say whether a person sits before our input and output."""
    return os.isatty(0) and os.isatty(1)


def run_plain(member: Member, argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command on our own three files; return its exit status."""
    with member.begin(argv, files=(0, 1, 2), environment=environment) as channel:
        previous = {
            number: signal.signal(number, _forwarder(channel))
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            return _wait(member, channel)
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


def _forwarder(channel: Channel) -> "signal._HANDLER":
    def forward(number: int, _: object) -> None:
        with contextlib.suppress(OSError):
            channel.send(Request(verb="signal", words=(str(number),)).line())

    return forward


def _wait(member: Member, channel: Channel) -> int:
    channel.socket.settimeout(None)
    try:
        answer = wire.parse_answer(channel.receive())
    except (OSError, WireError) as error:
        raise LabError(f"{member.name} went down under the command") from error
    sys.stderr.write(answer.err)
    return answer.code


def run_on_terminal(member: Member, argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command on a terminal of its own, joined to the user's; return its exit status."""
    outer, inner = os.openpty()
    _copy_size(outer)
    words = ["setsid", "--ctty", "--wait", *argv]
    given = {"TERM": os.environ.get("TERM", "dumb"), **environment}
    try:
        channel = member.begin(words, files=(inner, inner, inner), environment=given)
    finally:
        os.close(inner)
    saved = termios.tcgetattr(0)
    previous = signal.signal(signal.SIGWINCH, lambda *_: _copy_size(outer))
    try:
        tty.setraw(0)
        with channel:
            return _join(member, channel, outer)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)
        signal.signal(signal.SIGWINCH, previous)
        os.close(outer)


def _join(member: Member, channel: Channel, outer: int) -> int:
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(outer, selectors.EVENT_READ)
        selector.register(channel.socket, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _ in selector.select()}
            if outer in ready and not _copy(outer, 1):
                selector.unregister(outer)
            if 0 in ready and not _copy(0, outer):
                selector.unregister(0)
            if channel.socket.fileno() in ready:
                os.set_blocking(outer, False)
                with contextlib.suppress(BlockingIOError):
                    while _copy(outer, 1):
                        pass
                return _wait(member, channel)


def _copy(source: int, target: int) -> bool:
    """Copy what is there; say whether the source goes on."""
    try:
        chunk = os.read(source, _CHUNK_BYTES)
        while chunk:
            chunk = chunk[os.write(target, chunk) :]
            if not chunk:
                return True
    except BlockingIOError:
        raise
    except OSError:
        # A terminal whose other end is closed reads as an input/output error.
        return False
    return False


def _copy_size(outer: int) -> None:
    with contextlib.suppress(OSError):
        size = fcntl.ioctl(0, termios.TIOCGWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
        fcntl.ioctl(outer, termios.TIOCSWINSZ, size)

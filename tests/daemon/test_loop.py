"""The loop's own account: how long it stood, and with what."""

import time

from paceline.daemon.loop import StallMeter, make_loop


class HandClock:
    """A clock that moves by hand."""

    def __init__(self) -> None:
        self.ms = 1000

    def now_ms(self) -> int:
        return self.ms

    def wall_ms(self) -> int:
        return self.ms


def spend(ms: int) -> None:
    """Use the processor for so long."""
    until = time.perf_counter() + ms / 1000
    while time.perf_counter() < until:
        pass


def test_longest_turn_names_what_it_was_spent_with() -> None:
    clock = HandClock()
    meter = StallMeter(clock)
    stalls: list[int] = []
    meter.on_stall = stalls.append
    loop = make_loop(meter)

    def work_long() -> None:
        clock.ms += 70
        mark = meter.begin()
        spend(4)
        meter.end(mark, "the inner part")
        spend(2)

    loop.call_soon(work_long)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    assert stalls == [70] and meter.longest_ms == 70 and meter.count == 1
    words = meter.turns[0].in_words()
    assert words.startswith("70 ms (")
    assert words.index("the inner part") < words.index("work_long")


def test_collector_is_named_as_what_it_is() -> None:
    meter = StallMeter(HandClock())
    mark = meter.begin()
    meter._collector_said("start", {})
    spend(2)
    meter._collector_said("stop", {})
    meter.end(mark, "the rest")
    meter.before_wait()
    assert "garbage collection" in meter.turns[0].parts

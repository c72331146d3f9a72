"""Which services of a node start when it boots: a file on its disk."""

from paceline.lab import layout, units
from paceline.lab.units import Unit
from paceline.lab.wire import Answer


def enabled_units() -> frozenset[str]:
    """Return the names of the services that start at boot."""
    try:
        return frozenset(layout.NODE_ENABLED.read_text(encoding="utf-8").split())
    except FileNotFoundError:
        return frozenset(units.ENABLED_AT_INSTALLATION)


def change_enabled(wanted: tuple[Unit, ...], *, is_enabled: bool) -> Answer:
    """Let the services start at boot, or not; return what `systemctl` answers."""
    names = {unit.name for unit in wanted}
    kept = sorted(enabled_units() | names if is_enabled else enabled_units() - names)
    try:
        layout.NODE_ENABLED.parent.mkdir(parents=True, exist_ok=True)
        aside = layout.NODE_ENABLED.with_suffix(".new")
        aside.write_text("".join(f"{name}\n" for name in kept), encoding="utf-8")
        aside.replace(layout.NODE_ENABLED)
    except OSError as error:
        return Answer(code=1, err=f"Failed to change what is enabled: {error.strerror}\n")
    return Answer()


def say_enabled(words: tuple[str, ...]) -> Answer:
    """Return the answer to `systemctl is-enabled`."""
    enabled, lines, errors = enabled_units(), [], []
    for word in words:
        unit = units.find_unit(word)
        if unit is None:
            errors.append(f"Failed to get unit file state for {word}: No such file or directory\n")
        else:
            lines.append("enabled\n" if unit.name in enabled else "disabled\n")
    code = 0 if "enabled\n" in lines else 1
    return Answer(code=code, out="".join(lines), err="".join(errors))

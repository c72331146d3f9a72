"""The class `service`: a systemd unit where there is one, else an init script."""

from pathlib import Path

UNIT_FOLDERS = (
    Path("/etc/systemd/system"),
    Path("/run/systemd/system"),
    Path("/usr/lib/systemd/system"),
    Path("/lib/systemd/system"),
)


def resolve_service(name: str, lsb_folder: Path, systemd_folder: Path) -> str:
    """Return the class that runs the service: `systemd` or `lsb`.

    `systemd_folder` (/run/systemd/system) exists where systemd is pid 1 (sd_booted(3)).

    The order is systemd, then lsb, as Pacemaker's documentation gives it; with neither there, the
    class whose "not installed" is the right answer.
    """
    if systemd_folder.is_dir() and has_unit_file(name):
        return "systemd"
    if (lsb_folder / name).exists():
        return "lsb"
    return "systemd" if systemd_folder.is_dir() else "lsb"


def unit_name(name: str) -> str:
    """Return the unit's full name; a bare one means a service."""
    suffixes = (".service", ".socket", ".mount", ".timer", ".path", ".target", ".slice", ".scope")
    return name if name.endswith(suffixes) else f"{name}.service"


def has_unit_file(name: str) -> bool:
    """Say whether a unit file of this name is installed; `a@b` looks for `a@` too."""
    full = unit_name(name)
    stem, at, rest = full.partition("@")
    names = [full]
    if at:
        names.append(f"{stem}@.{rest.rpartition('.')[2]}")
    return any((folder / one).exists() for folder in UNIT_FOLDERS for one in names)

"""A folder with nothing but our tools, for the PATH of agents.

The folder that they are installed in may hold a Python of its own, which agents must not get.
"""

from pathlib import Path

FOLDER_NAME = "tools"
TOOL_PREFIXES = (
    "crm_",
    "crmadmin",
    "cibsecret",
    "iso8601",
    "attrd_updater",
    "cibadmin",
    "stonith_admin",
    "pcs",
    "paceline",
)


def link_tools(installed: Path, runtime: Path) -> Path:
    """Return the folder, made anew, with a link to each of our tools in `installed`.

    Raises OSError where it cannot be made.
    """
    folder = runtime / FOLDER_NAME
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for program in sorted(installed.iterdir()):
        if program.name.startswith(TOOL_PREFIXES):
            (folder / program.name).symlink_to(program)
    return folder

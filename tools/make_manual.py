"""Writes docs/man/ from the declarations; `--check` only says what is out of date."""

import sys
from pathlib import Path

from paceline.commands.manual import manual_page, overview_page, page_names

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "man"


def main(words: list[str]) -> int:
    """Write or check every page; return 1 where one is out of date."""
    pages = {f"paceline-{area}.8": manual_page(area) for area in page_names()}
    pages["paceline.8"] = overview_page()
    there = {path.name: path.read_text() for path in FOLDER.glob("*.8")}
    stale = sorted(name for name in {*pages, *there} if pages.get(name) != there.get(name))
    if "--check" in words:
        for name in stale:
            print(f"docs/man/{name} is out of date: run ./dev manual")
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in pages:
            (FOLDER / name).write_text(pages[name])
        else:
            (FOLDER / name).unlink()
        print(f"docs/man/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The user's own editor."""

from typing import Protocol


class Editor(Protocol):
    """Lets the user edit a text."""

    def edit(self, text: str, *, ending: str) -> str:
        """Return the text as the user leaves it; `ending` is the file's name's (`.xml`).

        Raises OSError where there is no editor, or it fails.
        """
        ...

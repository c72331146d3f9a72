"""`scheduler/__init__` is the table of contents: it names every module; each says what it does."""

import ast
import re
from pathlib import Path

import paceline.scheduler

FOLDER = Path(paceline.scheduler.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def test_table_of_contents_names_every_module() -> None:
    contents = paceline.scheduler.__doc__ or ""
    assert [name for name in MODULES if not re.search(rf"\b{name}\b", contents)] == []


def test_every_module_says_what_it_is_for() -> None:
    for name in MODULES:
        opening = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text()))
        assert opening, name

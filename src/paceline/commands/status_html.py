"""The status as a page (`crm_mon --output-as html`) and as JSON, made from its text and its XML."""

import json
from collections.abc import Sequence
from html import escape

from paceline.cib.tree import Element
from paceline.commands.status_entries import Entry

STYLE = "body { font-family: sans-serif } .bad { color: red } .good { color: green }"
BAD_WORDS = ("OFFLINE", "UNCLEAN", "FAILED", "Stopped", "WARNING", "blocked")


def status_html(entries: Sequence[Entry], *, refresh_s: int = 0) -> str:
    """Return the page: a heading for each section, nested lists below it."""
    refresh = f'\n<meta http-equiv="refresh" content="{refresh_s}">' if refresh_s else ""
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        f'<head>\n<title>Cluster Status</title>\n<meta charset="utf-8">{refresh}',
        f"<style>{STYLE}</style>\n</head>",
        "<body>",
    ]
    for entry in entries:
        lines.append(f"<h2>{escape(entry.text.rstrip(':'))}</h2>")
        lines.extend(_list(entry.children))
    return "\n".join((*lines, "</body>", "</html>"))


def _list(entries: Sequence[Entry]) -> list[str]:
    if not entries:
        return []
    lines = ["<ul>"]
    for entry in entries:
        lines.append(f"<li>{_item(entry.text)}")
        lines.extend(_list(entry.children))
        lines.append("</li>")
    return [*lines, "</ul>"]


def _item(text: str) -> str:
    if any(word in text for word in BAD_WORDS):
        return f'<span class="bad">{escape(text)}</span>'
    kind = ' class="good"' if text.startswith("Online") or "Started" in text else ""
    return f"<span{kind}>{escape(text)}</span>"


def json_of(root: Element) -> str:
    """Return the document as JSON: attributes are strings, children lists under their tag."""
    return json.dumps(_record(root), indent=2)


def _record(element: Element) -> dict[str, object]:
    record: dict[str, object] = {str(name): str(value) for name, value in element.attrib.items()}
    children: dict[str, list[dict[str, object]]] = {}
    for child in element:
        children.setdefault(str(child.tag), []).append(_record(child))
    return record | {(f"{tag}_list" if tag in record else tag): each
                     for tag, each in children.items()}  # fmt: skip

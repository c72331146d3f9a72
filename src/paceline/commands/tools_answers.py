"""What a tool answers, as text and as XML (`--output-as=xml`): one answer, two forms."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from lxml import etree

from paceline.cib.tree import Element
from paceline.commands.tools import (
    API_VERSION,
    EXIT_OK,
    EXIT_USAGE,
    Given,
    Said,
    ToolError,
    ToolPorts,
)
from paceline.commands.tools_error import EXITS


class Answer(NamedTuple):
    """The text, the same as XML elements, complaints, and the exit status."""

    text: str = ""
    elements: tuple[Element, ...] = ()
    err: str = ""
    status: int = EXIT_OK


Act = Callable[[Given, ToolPorts], Answer]


def failed(status: int, text: str = "") -> ToolError:
    """Return the error that ends a tool with this status, worded as callers know it."""
    words = f"Error performing operation: {status_text(status)}"
    return ToolError(f"{text}\n{words}" if text else words, status)


def status_text(status: int) -> str:
    """Return what an exit status means."""
    return EXITS.get(status, ("", "Unknown exit status"))[1]


def run_act(tool: str, act: Act, given: Given, words: Sequence[str], ports: ToolPorts) -> Said:
    """Do it and say what came of it in the form that is wanted."""
    form = given.get("output-as", "text")
    if form not in ("text", "xml"):
        raise ToolError(f"Error parsing options: Invalid output format {form}", EXIT_USAGE)
    if form == "text":
        answer = act(given, ports)
        return Said(answer.text, answer.status, answer.err)
    try:
        answer = act(given, ports)
    except ToolError as error:
        answer = Answer(status=error.status, err=f"{tool}: {error}")
    return Said(result_xml(" ".join((tool, *words)), answer), answer.status)


def result_xml(request: str, answer: Answer) -> str:
    """Return the whole document."""
    root = etree.Element("pacemaker-result", {"api-version": API_VERSION, "request": request})
    root.extend(answer.elements)
    status = etree.SubElement(root, "status", {"code": str(answer.status)})
    status.set("message", status_text(answer.status))
    if answer.err:
        errors = etree.SubElement(status, "errors")
        etree.SubElement(errors, "error").text = answer.err
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


def list_element(name: str, items: Iterable[str], *, item: str = "") -> Element:
    """Return a list of words."""
    found = list(items)
    element = etree.Element("list", {"name": name, "count": str(len(found))})
    for each in found:
        child = etree.SubElement(element, "item", {"name": item} if item else {})
        child.text = each
    return element


def element_of(tag: str, **attributes: str) -> Element:
    """Return an element; `__` in a name stands for a dash, a last `_` for nothing."""
    element = etree.Element(tag)
    for name, value in attributes.items():
        element.set(name.rstrip("_").replace("__", "-"), value)
    return element


def with_children(element: Element, children: Iterable[Element]) -> Element:
    """Return the element with these in it."""
    element.extend(children)
    return element

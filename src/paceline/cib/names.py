"""Which ids may be given: what XML allows, and what is still free."""

import re

from paceline.cib.tree import Element, has_id
from paceline.model.reports import Report

_FIRST = re.compile(r"[A-Za-z_]")
_REST = re.compile(r"[A-Za-z0-9_.\-]")
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_.\-]")


def check_id_form(value: str, what: str = "id") -> tuple[Report, ...]:
    """Return what is wrong with an id's characters; `what` names the thing ("resource name")."""
    if not value:
        return (Report(code="id-empty", message=f"{what} cannot be empty"),)
    if not (_FIRST.match(value) or (value[0].isalpha() and value[0].isidentifier())):
        return (
            Report(
                code="id-bad-character",
                message=f"invalid {what} '{value}', '{value[0]}' is not a valid first character "
                f"for a {what}",
                facts=(("id", value),),
            ),
        )
    for character in value[1:]:
        if not (_REST.match(character) or character.isalpha()):
            return (
                Report(
                    code="id-bad-character",
                    message=f"invalid {what} '{value}', '{character}' is not a valid character "
                    f"for a {what}",
                    facts=(("id", value),),
                ),
            )
    return ()


def check_id_free(root: Element, value: str) -> tuple[Report, ...]:
    """Return a report if something else has this id."""
    if not has_id(root, value):
        return ()
    return (already_exists(value),)


def check_new_id(root: Element, value: str, what: str = "id") -> tuple[Report, ...]:
    """Return what is wrong with a new id: its form, or that it is taken."""
    return check_id_form(value, what) or check_id_free(root, value)


def already_exists(value: str) -> Report:
    """Return the report that an id is taken."""
    return Report(
        code="id-already-exists", message=f"'{value}' already exists", facts=(("id", value),)
    )


def clean_id(text: str) -> str:
    """Return `text` without the characters that an id must not have."""
    cleaned = _NOT_ALLOWED.sub("", text)
    while cleaned and not _FIRST.match(cleaned[0]):
        cleaned = cleaned[1:]
    return cleaned

"""The last look at a submitted configuration, before it becomes an entry. Runs in a thread.

The sender has checked all of it and told the user; this keeps out what no replica could use, and
errors that the running configuration has not. An old error is no reason to refuse its repair.
"""

from paceline.cib.read import read_configuration
from paceline.cib.tree import parse_cib
from paceline.cib.validate import new_errors
from paceline.model.errors import InvalidRequestError


def check_configuration(running: bytes, submitted: bytes, *, is_forced: bool) -> str:
    """Return what is wrong with the submitted document, empty where nothing is.

    A forced one has only to be readable.
    """
    try:
        read_configuration(submitted)
        found = () if is_forced else new_errors(parse_cib(running), parse_cib(submitted))
    except InvalidRequestError as problem:
        return str(problem)
    except ValueError as problem:
        return f"the configuration cannot be read: {problem}"
    return "\n".join(each.message for each in found)

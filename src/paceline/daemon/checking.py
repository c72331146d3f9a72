"""The last look at a submitted configuration, before it becomes an entry. Runs in a thread.

The sender has checked all of it and told the user; this refuses only what no replica could use.
"""

from paceline.cib.read import read_configuration
from paceline.model.errors import InvalidRequestError


def check_configuration(document: bytes) -> str:
    """Return what is wrong with the document, empty where nothing is."""
    try:
        read_configuration(document)
    except InvalidRequestError as problem:
        return str(problem)
    except ValueError as problem:
        return f"the configuration cannot be read: {problem}"
    return ""

"""Secrets of resources: what stands in the configuration for a value, and the value itself.

The configuration names `lrm://`; each node has the value in a file of its own, which only root
reads. `cibsecret` writes the files; whoever runs an agent puts the values in at the last moment.
"""

from pathlib import Path

from paceline.ports.node_calls import SECRET_WORD, secret_instance

Pairs = tuple[tuple[str, str], ...]


class MissingSecretError(Exception):
    """A value is not on this node, or cannot be read."""


def with_secret_values(folder: Path, resource: str, parameters: Pairs) -> Pairs:
    """Return the parameters as the agent wants them. Raises MissingSecretError."""
    return tuple(
        (name, _read(folder, resource, name) if value == SECRET_WORD else value)
        for name, value in parameters
    )


def without_secrets(parameters: Pairs) -> Pairs:
    """Return the parameters that the configuration itself has."""
    return tuple(pair for pair in parameters if pair[1] != SECRET_WORD)


def _read(folder: Path, resource: str, name: str) -> str:
    try:
        return (folder / secret_instance(resource, name)).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        problem = f"the secret '{name}' of {resource} is not on this node (try `cibsecret sync`)"
        raise MissingSecretError(problem) from error

"""`acl`: who may read and change which part of the configuration."""

from collections.abc import Callable, Sequence

from paceline.cib.names import already_exists, check_id_form, check_new_id
from paceline.cib.nvsets import pairs_of, update_set
from paceline.cib.tree import (
    Element,
    add_element,
    find_section,
    get_section,
    has_id,
    remove,
    unique_id,
)
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib, read_cib
from paceline.commands.property import find_property_set, get_property_set

KINDS = ("read", "write", "deny")
USER, GROUP, ROLE, PERMISSION = "acl_target", "acl_group", "acl_role", "acl_permission"
ENABLE = "enable-acl"


def _elements(root: Element, tag: str) -> list[Element]:
    section = find_section(root, "acls")
    return [] if section is None else section.findall(tag)


def _find(root: Element, tags: Sequence[str], wanted: str) -> Element | None:
    for tag in tags:
        for element in _elements(root, tag):
            if element.get("id") == wanted:
                return element
    return None


def _get(request: Request, root: Element, tags: Sequence[str], wanted: str) -> Element:
    """Return the role, user or group of this id, or end the request; no tags mean a user."""
    found = _find(root, tags or (USER,), wanted)
    if found is not None:
        return found
    if not tags and _find(root, (GROUP,), wanted) is not None:
        request.findings.error("not-a-user", f"'{wanted}' is not an ACL user")
        request.findings.refuse_if_errors()
    tags = tags or (USER, GROUP)
    names = {ROLE: "ACL role", USER: "ACL user", GROUP: "ACL group"}
    what = "/".join(names[tag] for tag in sorted(tags))
    message = f"{what} '{wanted}' does not exist"
    if len(tags) == 1 and (has_id(root, wanted) or _find(root, (GROUP,), wanted) is not None):
        message = f"'{wanted}' is not an {what}"
    request.findings.error("id-unknown", message)
    request.findings.refuse_if_errors()
    raise UsageError


def config(request: Request, ports: Ports) -> Outcome:
    """List users, groups and roles."""
    if request.arguments:
        raise UsageError
    root = read_cib(ports)
    nvset = find_property_set(root)
    enabled = nvset is not None and pairs_of(nvset).get(ENABLE, "false").lower() in (
        "true", "yes", "on", "1", "y",
    )  # fmt: skip
    if enabled:
        lines = ["ACLs are enabled", ""]
    else:
        lines = [f"ACLs are disabled, run '{request.program} acl enable' to enable", ""]
    for tag, label in ((USER, "User"), (GROUP, "Group")):
        for element in _elements(root, tag):
            roles = " ".join(one.get("id", "") for one in element.iterfind("role"))
            lines += [f"{label}: {element.get('id')}", f"  Roles: {roles}".rstrip()]
    for role in _elements(root, ROLE):
        lines += _role_lines(role)
    return Outcome(text="\n".join(lines))


def _role_lines(role: Element) -> list[str]:
    lines = [f"Role: {role.get('id')}"]
    if role.get("description"):
        lines.append(f"  Description: {role.get('description')}")
    for one in role.iterfind(PERMISSION):
        if one.get("xpath"):
            where = f"xpath {one.get('xpath')}"
        elif one.get("reference"):
            where = f"id {one.get('reference')}"
        else:
            where = f"object-type {one.get('object-type')}"
        lines.append(f"  Permission: {one.get('kind')} {where} ({one.get('id')})")
    return lines


def _switch(value: str) -> Callable[[Request, Ports], Outcome]:
    def handler(request: Request, ports: Ports) -> Outcome:
        if request.arguments:
            raise UsageError

        def change(root: Element) -> str:
            update_set(root, get_property_set(root), {ENABLE: value})
            return ""

        edit_cib(request, ports, change)
        return Outcome()

    return handler


Permission = tuple[str, str, str]


def _read_permissions(words: Sequence[str]) -> list[Permission]:
    """Return (kind, scope, where) triples. Raises UsageError."""
    rest = list(words)
    found: list[Permission] = []
    while rest:
        if len(rest) < 3 or rest[0].lower() not in KINDS or rest[1].lower() not in ("xpath", "id"):
            raise UsageError
        found.append((rest[0].lower(), rest[1].lower(), rest[2]))
        rest = rest[3:]
    return found


def _check_permissions(request: Request, root: Element, permissions: list[Permission]) -> None:
    for _kind, scope, where in permissions:
        if scope == "id" and not has_id(root, where):
            request.findings.error("id-unknown", f"id '{where}' does not exist")


def _add_permissions(root: Element, role: Element, permissions: list[Permission]) -> None:
    for kind, scope, where in permissions:
        wanted = unique_id(root, f"{role.get('id')}-{kind}")
        attribute = "xpath" if scope == "xpath" else "reference"
        add_element(role, PERMISSION, (("id", wanted), ("kind", kind), (attribute, where)))


def role_create(request: Request, ports: Ports) -> Outcome:
    """Make a role: `acl role create ID [description=TEXT] [read|write|deny xpath|id WHERE]...`."""
    if not request.arguments:
        raise UsageError
    role_id, *words = request.arguments
    description = ""
    if words and words[0].startswith("description="):
        description = words.pop(0).removeprefix("description=")
    permissions = _read_permissions(words)

    def change(root: Element) -> str:
        _check_permissions(request, root, permissions)
        request.findings.refuse_if_errors()
        request.findings.extend(check_new_id(root, role_id, "ACL role"))
        request.findings.refuse_if_errors()
        role = add_element(get_section(root, "acls"), ROLE, (("id", role_id),))
        if description:
            role.set("description", description)
        _add_permissions(root, role, permissions)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def role_delete(request: Request, ports: Ports) -> Outcome:
    """Remove a role; with --autodelete also users and groups that have no other."""
    if len(request.arguments) != 1:
        raise UsageError
    wanted = request.arguments[0]

    def change(root: Element) -> str:
        role = _get(request, root, (ROLE,), wanted)
        for holder in (*_elements(root, USER), *_elements(root, GROUP)):
            refs = [one for one in holder.iterfind("role") if one.get("id") == wanted]
            for ref in refs:
                remove(ref)
            if refs and len(holder) == 0 and request.has("autodelete"):
                remove(holder)
        remove(role)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _read_holder(words: Sequence[str], joint: str) -> tuple[str, tuple[str, ...], str]:
    """Return role, kinds of holder and the holder's id of `ROLE [to|from] [user|group] ID`.

    No kinds means that none was said: a user is meant.
    """
    rest = [word for position, word in enumerate(words) if not (position == 1 and word == joint)]
    if len(rest) == 3 and rest[1] in ("user", "group"):
        return rest[0], (USER if rest[1] == "user" else GROUP,), rest[2]
    if len(rest) == 2:
        return rest[0], (), rest[1]
    raise UsageError


def role_assign(request: Request, ports: Ports) -> Outcome:
    """Give a role: `acl role assign ROLE [to] [user|group] ID`."""
    role_id, kinds, holder_id = _read_holder(request.arguments, "to")

    def change(root: Element) -> str:
        if kinds:
            _get(request, root, (ROLE,), role_id)
        holder = _get(request, root, kinds, holder_id)
        _get(request, root, (ROLE,), role_id)
        if any(one.get("id") == role_id for one in holder.iterfind("role")):
            request.findings.error(
                "role-assigned", f"Role '{role_id}' is already assigned to '{holder_id}'"
            )
            request.findings.refuse_if_errors()
        add_element(holder, "role", (("id", role_id),))
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def role_unassign(request: Request, ports: Ports) -> Outcome:
    """Take a role away: `acl role unassign ROLE [from] [user|group] ID`."""
    role_id, kinds, holder_id = _read_holder(request.arguments, "from")

    def change(root: Element) -> str:
        holder = _get(request, root, kinds, holder_id)
        refs = [one for one in holder.iterfind("role") if one.get("id") == role_id]
        if not refs:
            request.findings.error(
                "role-not-assigned", f"Role '{role_id}' is not assigned to '{holder_id}'"
            )
            request.findings.refuse_if_errors()
        for ref in refs:
            remove(ref)
        if len(holder) == 0 and request.has("autodelete"):
            remove(holder)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _create_holder(tag: str) -> Callable[[Request, Ports], Outcome]:
    def handler(request: Request, ports: Ports) -> Outcome:
        if not request.arguments:
            raise UsageError
        wanted, *roles = request.arguments

        def change(root: Element) -> str:
            what = "ACL user" if tag == USER else "ACL group"
            request.findings.extend(check_id_form(wanted, what))
            is_taken = tag == GROUP and has_id(root, wanted)
            if is_taken or _find(root, (tag,), wanted) is not None:
                request.findings.add(already_exists(wanted))
            twice = sorted({role for role in roles if roles.count(role) > 1})
            for role in twice:
                request.findings.error(
                    "role-assigned", f"Role '{role}' is already assigned to '{wanted}'"
                )
            for role in roles:
                if _find(root, (ROLE,), role) is None:
                    request.findings.error("id-unknown", f"ACL role '{role}' does not exist")
            request.findings.refuse_if_errors()
            holder = add_element(get_section(root, "acls"), tag, (("id", wanted),))
            for role in roles:
                add_element(holder, "role", (("id", role),))
            return ""

        edit_cib(request, ports, change)
        return Outcome()

    return handler


def _delete_holder(tag: str) -> Callable[[Request, Ports], Outcome]:
    def handler(request: Request, ports: Ports) -> Outcome:
        if len(request.arguments) != 1:
            raise UsageError

        def change(root: Element) -> str:
            remove(_get(request, root, (tag,), request.arguments[0]))
            return ""

        edit_cib(request, ports, change)
        return Outcome()

    return handler


def permission_add(request: Request, ports: Ports) -> Outcome:
    """Add permissions to a role, which is made if there is none."""
    if len(request.arguments) < 4:
        raise UsageError
    role_id, *words = request.arguments
    permissions = _read_permissions(words)

    def change(root: Element) -> str:
        role = _find(root, (ROLE,), role_id)
        if role is None and has_id(root, role_id):
            request.findings.error("not-a-role", f"'{role_id}' is not an ACL role")
        elif role is None:
            request.findings.extend(check_id_form(role_id, "ACL role"))
        _check_permissions(request, root, permissions)
        request.findings.refuse_if_errors()
        if role is None:
            role = add_element(get_section(root, "acls"), ROLE, (("id", role_id),))
        _add_permissions(root, role, permissions)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def permission_delete(request: Request, ports: Ports) -> Outcome:
    """Remove a permission by its id."""
    if len(request.arguments) != 1:
        raise UsageError
    wanted = request.arguments[0]

    def change(root: Element) -> str:
        for role in _elements(root, ROLE):
            for one in role.iterfind(PERMISSION):
                if one.get("id") == wanted:
                    remove(one)
                    return ""
        message = f"ACL permission '{wanted}' does not exist"
        if has_id(root, wanted):
            message = f"'{wanted}' is not an ACL permission"
        request.findings.error("id-unknown", message)
        request.findings.refuse_if_errors()
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _remove_alias(words: str) -> tuple[Alias, ...]:
    return (Alias(words=words.replace(" delete", " remove")),)


def _holder_commands(word: str, tag: str) -> tuple[Command, ...]:
    return (
        Command(
            words=f"acl {word} create",
            handler=_create_holder(tag),
            needs=Needs.CIB,
            arguments=f"<{word}> [<role id>...]",
            help=f"Add a {word} with roles.",
        ),
        Command(
            words=f"acl {word} delete",
            handler=_delete_holder(tag),
            needs=Needs.CIB,
            arguments=f"<{word}>",
            help=f"Remove a {word}.",
            aliases=_remove_alias(f"acl {word} delete"),
        ),
    )


COMMANDS = (
    Command(
        words="acl config",
        handler=config,
        needs=Needs.CIB,
        help="List users, groups and roles.",
        aliases=(
            Alias(words="acl", takes_arguments=False),
            Alias(words="acl show", replaced_by="acl config"),
        ),
    ),
    Command(
        words="acl enable", handler=_switch("true"), needs=Needs.CIB, help="Let ACLs restrict."
    ),
    Command(words="acl disable", handler=_switch("false"), needs=Needs.CIB, help="Ignore ACLs."),
    Command(
        words="acl role create",
        handler=role_create,
        needs=Needs.CIB,
        arguments="<role id> [description=<text>] [(read|write|deny) (xpath <query> | id <id>)]...",
        help="Make a role.",
    ),
    Command(
        words="acl role delete",
        handler=role_delete,
        needs=Needs.CIB,
        arguments="<role id>",
        options=("autodelete",),
        help="Remove a role from all who have it.",
        aliases=_remove_alias("acl role delete"),
    ),
    Command(
        words="acl role assign",
        handler=role_assign,
        needs=Needs.CIB,
        arguments="<role id> [to] [user|group] <id>",
        help="Give a role to a user or a group.",
    ),
    Command(
        words="acl role unassign",
        handler=role_unassign,
        needs=Needs.CIB,
        arguments="<role id> [from] [user|group] <id>",
        options=("autodelete",),
        help="Take a role from a user or a group.",
    ),
    *_holder_commands("user", USER),
    *_holder_commands("group", GROUP),
    Command(
        words="acl permission add",
        handler=permission_add,
        needs=Needs.CIB,
        arguments="<role id> (read|write|deny) (xpath <query> | id <id>)...",
        help="Add permissions to a role.",
    ),
    Command(
        words="acl permission delete",
        handler=permission_delete,
        needs=Needs.CIB,
        arguments="<permission id>",
        help="Remove a permission.",
        aliases=_remove_alias("acl permission delete"),
    ),
)

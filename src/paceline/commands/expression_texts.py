"""Rules as the words that make them again: `(#uname eq n1 or defined x) and date gt 2030-01-01`."""

from paceline.cib.tree import Element, attributes_of


def rule_expression(rule: Element) -> str:
    """Return the expression of a rule, on one line."""
    joint = f" {rule.get('boolean-op', 'and')} "
    return joint.join(_condition(child) for child in rule)


def condition_expression(element: Element) -> str:
    """Return the expression of a rule, or of one condition in it."""
    return rule_expression(element) if element.tag == "rule" else _condition(element)


def _condition(element: Element) -> str:
    match element.tag:
        case "rule":
            return f"({rule_expression(element)})"
        case "date_expression":
            return _date(element)
        case "rsc_expression":
            return ":".join(
                (
                    f"resource {element.get('class', '')}",
                    element.get("provider", ""),
                    element.get("type", ""),
                )
            )
        case "op_expression":
            interval = element.get("interval")
            return f"op {element.get('name')}" + (f" interval={interval}" if interval else "")
        case _:
            return _attribute(element)


def _attribute(element: Element) -> str:
    operation, attribute = element.get("operation", ""), element.get("attribute", "")
    if operation in ("defined", "not_defined"):
        return f"{operation} {attribute}"
    value = element.get("value", "")
    shown = f'"{value}"' if not value or set(value) & set(" ()") else value
    parts = (attribute, operation, element.get("type", ""), shown)
    return " ".join(part for part in parts if part)


def _date(element: Element) -> str:
    operation = element.get("operation", "")
    if operation == "date_spec":
        return f"date-spec {_parts(element.find('date_spec'))}"
    if operation != "in_range":
        return f"date {operation} {element.get('start') or element.get('end') or ''}"
    start = f"{element.get('start')} " if element.get("start") else ""
    if element.get("end"):
        return f"date in_range {start}to {element.get('end')}"
    return f"date in_range {start}to duration {_parts(element.find('duration'))}"


def _parts(element: Element | None) -> str:
    pairs = {} if element is None else attributes_of(element)
    return " ".join(f"{name}={value}" for name, value in sorted(pairs.items()) if name != "id")

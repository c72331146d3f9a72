"""What the exit statuses of resource agents mean."""

OCF_WORDS = {
    0: "ok", 1: "error", 2: "invalid parameter", 3: "unimplemented feature",
    4: "insufficient privileges", 5: "not installed", 6: "not configured", 7: "not running",
    8: "promoted", 9: "promoted (failed)", 189: "internal error", 190: "degraded",
    191: "promoted (degraded)", 192: "OCF_NOT_RUNNING", 193: "pending", 194: "error occurred",
    198: "OCF_TIMEOUT",
}  # fmt: skip
"""What an exit status means. Source: the OCF resource agent standard, and crm_error --list."""


def rc_text(rc: int) -> str:
    """Return what an exit status means."""
    return OCF_WORDS.get(rc, f"exit status {rc}")

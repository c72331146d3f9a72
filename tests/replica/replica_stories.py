"""Beginnings that several stories share."""

from replica_bus import Bus

from paceline.model.status import ChangeOrigin
from paceline.replica.requests import Configure

ORIGIN = ChangeOrigin(user="root", client="cibadmin", node="worker1")
DEVICE = (
    b'<primitive id="fence-all" class="stonith" type="fence_lab"><instance_attributes id="f-ia">'
    b'<nvpair id="f-1" name="pcmk_host_list" value="worker1 worker2 worker3"/>'
    b"</instance_attributes></primitive>"
)


def options(**values: str) -> bytes:
    """Return a set of cluster properties; underscores in names are dashes."""
    pairs = "".join(
        f'<nvpair id="own-{name}" name="{name.replace("_", "-")}" value="{value}"/>'
        for name, value in values.items()
    )
    return f'<cluster_property_set id="own">{pairs}</cluster_property_set>'.encode()


def configure(
    bus: Bus, name: str, *, resources: bytes = b"", properties: bytes = b"", forced: bool = False
) -> Configure:
    """Return a change that sets resources and own cluster properties."""
    replica = bus.replica(name)
    document = replica.configuration
    head, _, tail = document.partition(b'<cluster_property_set id="own">')
    if tail:
        document = head + tail.partition(b"</cluster_property_set>")[2]
    if properties:
        document = document.replace(b"<crm_config/>", b"<crm_config></crm_config>")
        document = document.replace(b"</crm_config>", properties + b"</crm_config>")
    if resources:
        document = document.replace(b"<resources/>", b"<resources>" + resources + b"</resources>")
    return Configure(
        based_on=replica.version, configuration=document, origin=ORIGIN, is_forced=forced
    )


def started(bus: Bus, *names: str, fencing: bool = False) -> Bus:
    """Start daemons, set fencing on (with a device) or off, and let everything settle."""
    bus.start(*names)
    bus.settle()
    first = names[0]
    bus.ask(
        first,
        configure(
            bus,
            first,
            resources=DEVICE if fencing else b"",
            properties=options(stonith_enabled="true" if fencing else "false"),
        ),
    )
    bus.settle()
    bus.tick(1000)
    return bus

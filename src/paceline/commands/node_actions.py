"""What one node does to itself when asked: by a command here, or by another node's service."""

from typing import assert_never

import msgspec

from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.model.reports import Report
from paceline.ports.node import LoginVerdict, Node
from paceline.ports.node_calls import (
    CLUSTER_SERVICES,
    NAMES_MAX,
    Authenticate,
    Authenticated,
    CertificateRequested,
    ControlServices,
    DestroyCluster,
    DeviceKeysHandled,
    DeviceStep,
    Done,
    File,
    FilesRead,
    GetFiles,
    HandleDeviceKeys,
    Hello,
    IssueTokens,
    MakeCertificateRequest,
    NodeAnswer,
    NodeRequest,
    ProbePeers,
    PutFiles,
    ReadFacts,
    ReadSbd,
    ReadServices,
    ReadStatus,
    RememberHosts,
    RemoveFiles,
    RevokeTokens,
    SayHello,
    SbdRead,
    Service,
    ServiceAction,
    ServicesRead,
    StatusRead,
    TokensIssued,
    TryDatagrams,
)
from paceline.ports.quorum_device import QuorumDeviceTools

FILES_MAX = 16
HERE = "this node"


def perform(request: NodeRequest, node: Node, *, source: str = HERE) -> NodeAnswer:
    """Do what is asked and return the answer that is listed for it.

    `source` is the address of who asks, for the limit on wrong passwords.
    Raises InvalidRequestError with one report where it cannot be done.
    """
    match request:
        case SayHello():
            facts = node.look
            return Hello(name=facts.name(), time_ms=facts.time_ms(), version=facts.version())
        case Authenticate():
            return _authenticate(request, node, source)
        case IssueTokens():
            _check_count(len(request.holders))
            return TokensIssued(tokens=tuple((h, node.tokens.issue(h)) for h in request.holders))
        case RememberHosts():
            _check_count(len(request.hosts))
            node.tokens.remember(request.hosts)
            return Done()
        case RevokeTokens():
            node.tokens.revoke(request.holders)
            return Done()
        case ReadFacts():
            _check_count(len(request.names))
            hosts = tuple(sorted(node.tokens.known_hosts()))
            return msgspec.structs.replace(node.look.facts(request.names), drives=hosts)
        case PutFiles():
            return _put_files(request, node)
        case GetFiles():
            return _get_files(request, node)
        case RemoveFiles():
            return _remove_files(request, node)
        case MakeCertificateRequest():
            return CertificateRequested(request=node.certificates.request().decode())
        case ControlServices():
            return _control(request, node)
        case ReadServices():
            return ServicesRead(states=node.services.states(request.others or CLUSTER_SERVICES))
        case DestroyCluster():
            return _destroy(node)
        case HandleDeviceKeys():
            return _handle_device_keys(request, node.quorum_device)
        case ReadSbd():
            _check_count(len(request.devices))
            return _read_sbd(request, node)
        case ReadStatus():
            return _read_status(request, node)
        case ProbePeers():
            _check_count(len(request.targets))
            return node.look.probe(request.targets)
        case TryDatagrams():
            return node.look.try_datagrams(request)
        case _:
            assert_never(request)


def _refuse(code: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message))


def _check_count(count: int) -> None:
    if count > NAMES_MAX:
        raise _refuse("too-many", f"more than {NAMES_MAX} names in one request")


def _authenticate(request: Authenticate, node: Node, source: str) -> Authenticated:
    answer = node.login.check(request.user, request.password, source=source)
    match answer.verdict:
        case LoginVerdict.ACCEPTED:
            return Authenticated(token=node.tokens.issue(request.holder))
        case LoginVerdict.WRONG:
            raise _refuse("wrong-password", "Username and/or password is incorrect")
        case LoginVerdict.NOT_A_CLUSTER_USER:
            raise _refuse(
                "not-a-cluster-user",
                f"user '{request.user}' is not in the group '{answer.detail}' there",
            )
        case LoginVerdict.ACCOUNT_REFUSED:
            raise _refuse(
                "account-refused",
                f"the password is right, but the account of '{request.user}' is not usable: "
                f"{answer.detail}",
            )
        case LoginVerdict.BUSY:
            raise _refuse("busy", f"logins are held back for a minute: {answer.detail}")
        case _:
            assert_never(answer.verdict)


def _put_files(request: PutFiles, node: Node) -> Done:
    if len(request.files) > FILES_MAX:
        raise _refuse("too-many", f"more than {FILES_MAX} files in one request")
    for file in request.files:
        try:
            node.files.write(file.name, file.content, file.instance)
        except (OSError, ValueError) as error:
            raise _refuse(
                "file-not-written", f"'{file.name.value}' cannot be written: {_words(error)}"
            ) from error
    return Done()


def _remove_files(request: RemoveFiles, node: Node) -> Done:
    for name in request.names[:FILES_MAX]:
        try:
            node.files.remove(name, request.instance)
        except (OSError, ValueError) as error:
            message = f"'{name.value}' cannot be removed: {_words(error)}"
            raise _refuse("file-not-removed", message) from error
    return Done()


def _words(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _get_files(request: GetFiles, node: Node) -> FilesRead:
    found = []
    for name in request.names[:FILES_MAX]:
        try:
            content = node.files.read(name, request.instance)
        except (OSError, ValueError) as error:
            message = f"'{name.value}' cannot be read: {_words(error)}"
            raise _refuse("file-not-read", message) from error
        if content is not None:
            found.append(File(name=name, content=content, instance=request.instance))
    return FilesRead(files=tuple(found))


def _control(request: ControlServices, node: Node) -> Done:
    for service in request.services:
        problem = node.services.act(request.action, service, request.instance)
        if problem and request.action is not ServiceAction.KILL:
            raise _refuse("service-failed", problem)
    return Done()


def _handle_device_keys(request: HandleDeviceKeys, tools: QuorumDeviceTools) -> DeviceKeysHandled:
    content, cluster = request.content, request.cluster
    try:
        match request.step:
            case DeviceStep.AUTHORITY:
                if not tools.is_arbiter_set_up():
                    raise _refuse(
                        "arbiter-not-set-up",
                        "quorum device host is not set up here:  pcs qdevice setup model net "
                        "--enable --start",
                    )
                return DeviceKeysHandled(content=tools.authority())
            case DeviceStep.REQUEST:
                return DeviceKeysHandled(content=tools.make_request(content, cluster))
            case DeviceStep.SIGN:
                return DeviceKeysHandled(content=tools.sign(content, cluster))
            case DeviceStep.ACCEPT:
                tools.accept(content, cluster)
            case DeviceStep.FORGET:
                tools.forget()
            case _:
                assert_never(request.step)
    except (OSError, ValueError, UnreachableError) as error:
        words = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise _refuse("device-keys-failed", f"the quorum device's certificates: {words}") from error
    return DeviceKeysHandled()


def _read_status(request: ReadStatus, node: Node) -> StatusRead:
    try:
        text = node.cluster_text.status(
            is_full=request.is_full, hides_inactive=request.hides_inactive
        )
    except UnreachableError as error:
        raise _refuse("no-status", str(error)) from error
    return StatusRead(text=text)


def _read_sbd(request: ReadSbd, node: Node) -> SbdRead:
    (state,) = node.services.states((Service.SBD,))
    watchdog = request.watchdog
    return SbdRead(
        is_installed=node.sbd.is_installed(),
        is_enabled=state.enabled == "enabled",
        is_running=state.active == "active",
        watchdog_is_missing=bool(watchdog) and not node.sbd.is_watchdog(watchdog),
        missing_devices=tuple(
            device for device in request.devices if not node.sbd.is_block_device(device)
        ),
    )


def _services_to_destroy(node: Node) -> tuple[Service, ...]:
    (device,) = node.services.states((Service.QDEVICE,))
    has_device = device.active == "active" or device.enabled == "enabled"
    devices = (Service.QDEVICE,) if has_device else ()
    return (Service.PACELINE, *devices, Service.COROSYNC)


def _destroy(node: Node) -> Done:
    """Stop, disable, remove. A service that cannot be stopped is killed: destroying is for that."""
    for service in _services_to_destroy(node):
        if node.services.act(ServiceAction.STOP, service):
            node.services.act(ServiceAction.KILL, service)
        node.services.act(ServiceAction.DISABLE, service)
    try:
        node.quorum_device.forget()
        node.files.remove_cluster()
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        words = f"the cluster's files cannot be removed: {error.strerror or error}{where}"
        raise _refuse("file-not-removed", words) from error
    return Done()

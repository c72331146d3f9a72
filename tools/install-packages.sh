#!/bin/sh
# Installs what Paceline and its lab need from the distribution, if something is missing.
# Starts no service of this machine, now or at its next boot. `sh tools/install-packages.sh --check`
# only says what is missing, `--large` installs what the tests with other people's programs need too.
set -eu

PATH=$PATH:/usr/sbin:/sbin
agents=/usr/lib/ocf/resource.d/heartbeat
policy=/usr/sbin/policy-rc.d
saved=$policy.before-paceline

have() { command -v "$1" >/dev/null 2>&1; }
say() { printf '%s\n' "$*"; }
fail() { printf 'Error: %s\n' "$1" >&2; shift; for line in "$@"; do printf '%s\n' "$line" >&2; done; exit 1; }

# What is needed: a test, the package on apt systems, the package on dnf systems, the reason.
missing() {
    have corosync || say corosync corosync "the cluster's messages, membership and quorum"
    [ -x $agents/IPaddr2 ] && [ -x $agents/Filesystem ] && [ -x $agents/apache ] ||
        say resource-agents resource-agents "what starts, stops and watches services"
    have modprobe || say kmod kmod "resource agents call modprobe"
    have ip || say iproute2 iproute "addresses and the lab's networks"
    have bwrap || say bubblewrap bubblewrap "the lab's nodes"
    have newuidmap || say uidmap shadow-utils "the lab as an ordinary user"
    have nft || say nftables nftables "the lab's cuts and losses"
    have apache2 || have httpd || say apache2-bin httpd "the web server of the walk-through"
    have ping || say iputils-ping iputils "the client looks whether an address answers"
    have curl || say curl curl "the web server's agent asks it for its status"
    have unshare && have setsid && have losetup || say util-linux util-linux "namespaces"
    have mount || say mount util-linux "the lab's disks"
    have mkfs.ext4 || say e2fsprogs e2fsprogs "the disk that the lab's nodes share"
    have chpasswd || say passwd shadow-utils "the password of hacluster"
    have pgrep || say procps procps-ng "resource agents look for processes"
    have fuser || say psmisc psmisc "resource agents look for users of a file system"
    have python3 || say python3 python3 "Paceline is written in it"
    [ -x .venv/bin/python ] || python3 -c 'import ensurepip, venv' 2>/dev/null ||
        say python3-venv python3 "the Python environment in .venv"
}

# What `./dev test --all` tries Paceline with, in the same form.
missing_large() {
    have crm || say crmsh crmsh "its command line, over our tools"
    [ -d /usr/lib/python3/dist-packages/pcs ] || have dnf || say pcs pcs "its command line, over our tools"
    have nginx || say nginx-light nginx "a web server as a resource"
    have corosync-qnetd || say corosync-qnetd corosync-qnetd "an arbiter for two nodes"
    have corosync-qdevice || say corosync-qdevice corosync-qdevice "the nodes' end of it"
    have redis-server || say redis-server redis "a replicated store as a resource"
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || have initdb ||
        say postgresql postgresql-server "a replicated database as a resource"
}

# What is wanted beyond the ordinary: the list, by the name of a function.
wanted=missing

# The lines of `missing`, one field of each, once.
packages() { printf '%s\n' "$1" | awk -v field="$2" 'NF && !seen[$field]++ { printf "%s ", $field }'; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif have sudo; then sudo "$@"
    else fail "packages are missing and there is no sudo" "Run this as root: sh tools/install-packages.sh"
    fi
}

# Runs as root: install with a guard that keeps package scripts from starting services.
install_with_apt() {
    [ -e $saved ] || [ ! -e $policy ] || mv $policy $saved
    trap 'rm -f $policy; [ ! -e $saved ] || mv $saved $policy' EXIT
    # End there and then: what follows would install without the guard.
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    export DEBIAN_FRONTEND=noninteractive
    is_known "$1" || apt-get update -q
    # Some releases split the agents and know no whole.
    if ! is_known resource-agents && is_known resource-agents-base; then
        # shellcheck disable=SC2046
        set -- $(say "$@" | sed 's/\bresource-agents\b/resource-agents-base resource-agents-extra/')
    fi
    before=$(enabled $(services "$@"))
    apt_install "$@" || { apt-get update -q && apt_install "$@"; }
    # Enabled by their packages: they would start at the next boot.
    for service in $(enabled $(services "$@")); do
        case " $before " in *" $service "*) ;; *) systemctl --quiet disable "$service" || true ;; esac
    done
}

# Those of the services that start at boot, in one line.
enabled() {
    have systemctl || return 0
    for service in "$@"; do
        ! systemctl --quiet is-enabled "$service" 2>/dev/null || printf '%s ' "$service"
    done
}

# The services that these packages bring.
services() {
    for package in "$@"; do
        case $package in
            corosync) say corosync ;;
            pcs) say pcsd pcsd-ruby pacemaker corosync ;;
            crmsh) say pacemaker corosync ;;
            nginx-light) say nginx ;;
            redis-server | postgresql) say "$package" ;;
        esac
    done
}

is_known() { apt-cache show "$1" >/dev/null 2>&1; }

apt_install() {
    apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 \
        -o Dpkg::Use-Pty=0 "$@"
}

main() {
    lines=$($wanted)
    [ -n "$lines" ] || return 0
    say "Missing on this machine:"
    printf '%s\n' "$lines" | awk '{ name = $1; $1 = $2 = ""; sub(/^ +/, ""); printf "  %-18s %s\n", name, $0 }'
    [ "${1:-}" != --check ] || return 1
    if have apt-get; then
        list=$(packages "$lines" 1)
        say "Installing with apt-get (no service of this machine is started) ..."
        # shellcheck disable=SC2086
        as_root sh "$0" --install-with-apt $list ||
            fail "could not install: $list" "Try by hand: sudo apt-get update && sudo apt-get install --no-install-recommends $list"
    elif have dnf; then
        list=$(packages "$lines" 2)
        say "Installing with dnf (this way is untested) ..."
        # shellcheck disable=SC2086
        as_root dnf install -y --setopt=install_weak_deps=False $list ||
            fail "could not install: $list" "The cluster packages are in the HighAvailability repository; enable it, then: sudo dnf install $list"
    else
        fail "neither apt-get nor dnf is here" "Install by hand: $(packages "$lines" 1)"
    fi
    lines=$($wanted)
    [ -z "$lines" ] || fail "still missing after installation: $(packages "$lines" 1)" \
        "Try by hand: sudo apt-get install $(packages "$lines" 1)"
}

case ${1:-} in
    --install-with-apt) shift; install_with_apt "$@" ;;
    *) [ "${1:-}" != --large ] || { main; wanted=missing_large; shift; }
       main "$@"
       python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
           fail "Python 3.11 or later is needed, this machine's python3 is older" \
               "Debian 12, Ubuntu 24.04 and later have it." ;;
esac

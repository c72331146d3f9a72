#!/bin/sh
# ocf:lab:Stateful: a service with two roles that is only a file with its role in it.
#
# The file, /run/stateful/RESOURCE, holds `unpromoted` or `promoted`; without it the service is stopped.

: "${OCF_ROOT:=/usr/lib/ocf}"
state=/run/stateful/${OCF_RESOURCE_INSTANCE:-Stateful}

metadata() {
    cat <<END
<?xml version="1.0"?>
<resource-agent name="Stateful" version="1.0">
<version>1.1</version>
<longdesc lang="en">A service of a Paceline lab that can be promoted, and keeps its role in a file.</longdesc>
<shortdesc lang="en">Keeps its role in a file (lab only)</shortdesc>
<parameters/>
<actions>
<action name="start" timeout="20s"/>
<action name="stop" timeout="20s"/>
<action name="promote" timeout="20s"/>
<action name="demote" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s" depth="0" role="Unpromoted"/>
<action name="monitor" timeout="20s" interval="11s" depth="0" role="Promoted"/>
<action name="meta-data" timeout="5s"/>
<action name="validate-all" timeout="5s"/>
</actions>
</resource-agent>
END
}

become() { # ROLE SCORE: the role it has from now on, and how much it is to be the promoted one
    mkdir -p "${state%/*}" && echo "$1" >"$state" || exit 1
    crm_master -l reboot -v "$2" || exit 1
}

role() {
    cat "$state" 2>/dev/null
}

case ${1:-} in
    meta-data) metadata ;;
    validate-all) ;;
    start) [ -e "$state" ] || become unpromoted 5 ;;
    promote | demote)
        [ -e "$state" ] || exit 7
        if [ "$1" = promote ]; then become promoted 10; else become unpromoted 5; fi
        ;;
    stop)
        crm_master -l reboot -D
        rm -f "$state"
        ;;
    monitor)
        case $(role) in
            promoted) exit 8 ;;
            unpromoted) exit 0 ;;
            *) exit 7 ;;
        esac
        ;;
    *) exit 3 ;;
esac

#!/bin/sh
# ocf:lab:Witness: a service that is only a file, and writes every start and stop to the lab's book.
#
# The book (/run/paceline-lab/witness.log) is a file of the machine that holds the lab: full disks,
# crashes and thaws of the node do not touch it. A line: milliseconds, boot id, resource, event.
# A file /run/paceline-lab/misbehave/RESOURCE makes the agent misbehave: `fail start`, `hang stop`.

: "${OCF_ROOT:=/usr/lib/ocf}"
lab=/run/paceline-lab
name=${OCF_RESOURCE_INSTANCE:-Witness}
state=/run/witness/$name

tell() {
    printf '%s %s %s %s\n' "$(date +%s%3N)" "$(cat $lab/boot-id)" "$name" "$1" >>$lab/witness.log
}

misbehave() { # ACTION: as the lab wants it, if it wants that of this action
    [ -r "$lab/misbehave/$name" ] || return 0
    read -r how what <"$lab/misbehave/$name"
    [ "$what" = "$1" ] || return 0
    tell "$how-$what"
    case $how in
        fail) exit 1 ;;
        hang) exec sleep 3600 ;;
        # More than any pipe or memory should take, as an agent with a debug option left on.
        babble) yes "$name babbles" | head -c 100000000 ;;
    esac
}

metadata() {
    cat <<END
<?xml version="1.0"?>
<resource-agent name="Witness" version="1.0">
<version>1.0</version>
<longdesc lang="en">A service of a Paceline lab that writes down each of its starts and stops.</longdesc>
<shortdesc lang="en">Writes down its starts and stops (lab only)</shortdesc>
<parameters>
<parameter name="note" unique="0" required="0">
<longdesc lang="en">Anything; it is not used.</longdesc>
<shortdesc lang="en">A note</shortdesc>
<content type="string" default=""/>
</parameter>
</parameters>
<actions>
<action name="start" timeout="20s"/>
<action name="stop" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s" depth="0"/>
<action name="meta-data" timeout="5s"/>
<action name="validate-all" timeout="5s"/>
</actions>
</resource-agent>
END
}

case ${1:-} in
    meta-data) metadata ;;
    validate-all) ;;
    start)
        [ ! -e "$state" ] || exit 0
        tell starting
        misbehave start
        mkdir -p /run/witness && : >"$state" || exit 1
        tell started
        ;;
    stop)
        misbehave stop
        rm -f "$state"
        tell stopped
        ;;
    monitor)
        misbehave monitor
        [ -e "$state" ] && exit 0
        tell absent
        exit 7
        ;;
    *) exit 3 ;;
esac

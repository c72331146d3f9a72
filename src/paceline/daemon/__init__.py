"""The daemon of a node: one asyncio loop around the sans-I/O replica.

    main      puts the parts together: lock, identity, adapters, signals, exit status
    driver    feeds events to the replica in order and carries its effects out in order
    requests  what may be asked on `/run/paceline/daemon.sock`, one JSON line each
    answers   how each of these is answered
    server    the socket: who may ask, how much, how many
    notes     the log: one line per decision
    alerts    what the configuration's `<alerts>` are told
    notify    systemd: ready, watchdog, stopping

It renders nothing and decides nothing about the cluster; that is the replica's and the scheduler's.
"""

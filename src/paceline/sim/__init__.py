"""The deterministic simulator: the product's replicas on a made-up world.

The world has virtual time, a made-up Corosync (`engine`), machines with disks, agents' processes,
fence devices and clients. Everything follows from a seed: the same seed gives the same trace, byte
for byte. The product's code is the replica and the scheduler; all else here is the world, and the
judge (`invariants`), who looks only at the world's own records.

    clock, chance      virtual time; one generator of chance per concern
    engine, quorum     what Corosync does, one-sided deliveries and late callbacks included
    machine, disk      power, boots, the journal with what a crash leaves of it
    services, agents   what really runs, and the agents that start, stop, watch (and lie)
    devices            fence devices with a ledger
    daemon, planner    the wiring of one replica: effects carried out, events fed
    clients, cibs      administrators and the configurations that they write
    faults, world      what goes wrong, and the whole
    invariants, trace  the judge; digest and story of a run
    wiring, shrink     rules that can be taken out on purpose; a failing run made short
    run, cli           one run of the product's own replica and scheduler; `paceline sim`
"""

"""A campaign: a real lab under random real faults, with clients at work and a witness that judges.

    faults      what goes wrong: drawn from the seed before anything begins (pure)
    hands       strikes and mends those faults in the lab
    clients     people who write configuration and move resources; every request and answer is kept
    arp, look   small programs in the lab: who answers for the address, what a daemon says of itself
    evidence    what was seen from outside of the nodes: the agents' book, power, addresses, answers
    judge       which promises that evidence breaks (pure; knows nothing of how the product decides)
    rounds      the run: strike, mend, wait until all is well again, look for broken promises
    report      faults, broken promises and dark times as a table (pure)
    main        the command

The story of faults repeats with its seed; the moments at which they meet the cluster do not, so a
broken promise keeps its evidence and the nodes' logs in a folder.
"""

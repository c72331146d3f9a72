"""The nouns: nodes, resources, snapshots, plans, reports, errors. Values only, never any I/O.

Values are trees that nothing in them leads back out of, so they are made with `gc=False`: the
garbage collector, which would stop the loop to look through tens of thousands of them for cycles,
never sees them.
"""

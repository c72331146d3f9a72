"""The nouns: nodes, resources, snapshots, plans, reports, errors. Values only, never any I/O."""

"""`./dev demo`: the notes of two machines becoming a cluster, played on two real nodes.

`stage` tells and checks one step at a time, `story` is the table of contents of the chapters, each
chapter module plays its rows of the notes. A step that does not hold ends the demo with what was
expected and what came.
"""

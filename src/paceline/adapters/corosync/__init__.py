"""Corosync by ctypes: a module for each of its libraries, and the engine made of them."""

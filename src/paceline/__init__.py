"""Paceline: a high-availability cluster manager for Linux, on Corosync."""

__version__ = "0.1.0"

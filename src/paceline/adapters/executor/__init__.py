"""Running agents: processes, the environment each standard wants, and the executor."""

"""Running a server: what its operator sees of it, what is kept safe, and several replicas at once."""

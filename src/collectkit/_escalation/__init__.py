"""What `escalation` pushed down: the ladder as a table, how a claim climbs it, when a step is due."""

"""What `settlement` pushed down: the values of a negotiation, and the making of offers within limits."""

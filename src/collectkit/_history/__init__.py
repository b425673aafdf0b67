"""What `history` pushed down: gathering facts, what each kind of event adds, and telling them."""

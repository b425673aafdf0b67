"""What `contact` is made of: wall-clock hours as instants."""

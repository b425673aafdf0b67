"""What `report` pushed down: figures gathered from accounts, pictures of them, and the page around both."""

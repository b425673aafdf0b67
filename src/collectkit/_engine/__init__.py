"""Details of the run: what it answers, how facts are taken in, how the outbox is carried out."""

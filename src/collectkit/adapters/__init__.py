"""What fills the ports and stands at the edge: stores, messengers, and the way ledgers come in and lists go out."""

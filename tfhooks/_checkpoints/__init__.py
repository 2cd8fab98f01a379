"""What makes a checkpoint safe: written whole, found again, never lost to another process."""

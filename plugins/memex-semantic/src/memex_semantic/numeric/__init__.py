"""What needs numpy: imported with the first ranking, never before."""

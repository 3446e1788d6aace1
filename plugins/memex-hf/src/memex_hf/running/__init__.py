"""What runs the model: everything that imports torch. Nothing outside this package does."""

"""The wire formats that come with the host. Each is imported on first use."""

"""Who may call: keys, roles, browser sessions, and the loopback without any."""

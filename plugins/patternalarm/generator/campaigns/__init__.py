"""What happens in a domain, one module per domain: ordinary sessions, fraud campaigns and look-alikes."""

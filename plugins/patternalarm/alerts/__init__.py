"""The alert writer: scored evidence and pattern hits in, explained alerts out, one transaction with their offsets."""

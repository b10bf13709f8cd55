"""How much load one core's worth of engines holds, and how that grows with more of them: ``make study-capacity``."""

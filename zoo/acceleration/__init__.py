"""How a network's training steps are computed: fused recurrence, threads, several steps at a time."""

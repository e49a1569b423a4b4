"""Client of CEPtra, a complex event processing engine."""

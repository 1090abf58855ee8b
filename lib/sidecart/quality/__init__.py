"""Quality: gates derived from the contracts; they decide whether a run is published."""

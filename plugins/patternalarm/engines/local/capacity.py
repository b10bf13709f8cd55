"""One machine is there or not; a run changes nothing about it."""


class FixedCapacity:
    """Port ``Capacity`` where the engines are started and stopped by hand: nothing is scaled, nothing counted."""

    def scale_up(self) -> None:
        """See ``Capacity``: what a run needs is there before it."""

    def scale_to_zero(self) -> None:
        """See ``Capacity``: what stays up does not cost by the run."""

    def counts(self) -> dict[str, int]:
        """See ``Capacity``."""
        return {}

"""What engines fail with; the message says why and what to do."""


class EngineError(RuntimeError):
    """An engine cannot be reached or refuses."""


class ProcessesError(EngineError):
    """A process cannot be started, asked or stopped."""


class FlinkError(EngineError):
    """The Flink cluster cannot be reached or refuses."""


class TargetError(NotImplementedError):
    """The chosen target has no such part yet."""

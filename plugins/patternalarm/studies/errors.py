"""What ends a study."""


class StudyInputError(ValueError):
    """The study cannot be made as asked, and nothing was started; the message names cause and remedy."""


class StudyError(RuntimeError):
    """A study was begun and could not be finished; the message names what failed."""

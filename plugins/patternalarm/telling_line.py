"""Of all that a process wrote, the line that tells a person why it failed."""

import re
from collections.abc import Sequence
from typing import Final

# An exception as Python, Java and Py4J begin it; the group is what to tell.
_EXCEPTION: Final = re.compile(
    r'(?:Caused by: |: |Exception in thread "[^"]*" )?((?:[\w$]+\.)*[\w$]*(?:Error|Exception|Interrupt)(?:: .*)?)'
)
_CALLS_ITSELF_ERROR: Final = re.compile(r"\bERROR\b|\b[Ee]rror: ")
_LESS_THAN_ERROR: Final = re.compile(r"\b(TRACE|DEBUG|INFO|WARN|WARNING)\b")
# Where it happened, but not what.
_TRACEBACK: Final = re.compile(r"\s*Traceback \(most recent call last\):")
_FRAME: Final = re.compile(r"\s+(at |\.\.\. \d+ more|Suppressed: )")
# Says that something else failed, which has told more by then.
_ECHO: Final = re.compile(
    r"Python process exits with code: \d+|PythonDriver - Run python process failed"
    r"|CliFrontend - Fatal error while running command line|Py4JJavaError: An error occurred while calling"
)


def telling_line(log: Sequence[str]) -> str:
    """The line of a process's log that most likely says why it failed; empty for an empty log.

    The last that is an exception or calls itself an error: of chained exceptions in Python that is the one raised, in
    Java the cause of all others. Without any, the last that is not of a lower level, since engines go on chatting after
    the one line that counts. Never a line that only says where, or that something else failed.
    """
    errors, plain, chat = [], [], []
    in_traceback = False
    for line in log:
        if _TRACEBACK.match(line):
            in_traceback = True
            continue
        ends_traceback = in_traceback and not line.startswith((" ", "\t"))
        in_traceback = in_traceback and not ends_traceback
        if not line.strip() or in_traceback or _FRAME.match(line) or _ECHO.search(line):
            continue
        if _LESS_THAN_ERROR.search(line) and not ends_traceback:
            chat.append(line)
            continue
        plain.append(line)
        exception = _EXCEPTION.fullmatch(line.rstrip())
        if exception or ends_traceback or _CALLS_ITSELF_ERROR.search(line):
            errors.append(exception[1] if exception else line)
    return next((lines[-1].strip() for lines in (errors, plain, chat) if lines), "")

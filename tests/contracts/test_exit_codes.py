from patternalarm.contracts.exit_codes import VERDICT_EXIT_CODES, ExitCode


def test_only_an_accident_is_no_verdict() -> None:
    """The supervisor starts again whatever ends with another code than a verdict's."""
    assert {code for code in ExitCode if code not in VERDICT_EXIT_CODES} == {ExitCode.START_AGAIN, ExitCode.INTERRUPTED}
    assert 0 in VERDICT_EXIT_CODES

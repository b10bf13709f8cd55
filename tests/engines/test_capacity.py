"""The contract of ``Capacity``."""


def test_after_scaling_to_zero_nothing_is_left(capacity):
    capacity.scale_up()
    capacity.scale_up()
    capacity.scale_to_zero()
    capacity.scale_to_zero()
    assert set(capacity.counts().values()) <= {0}


def test_what_is_counted_up_is_what_is_counted_down(capacity):
    capacity.scale_to_zero()
    kinds = set(capacity.counts())
    capacity.scale_up()
    assert set(capacity.counts()) == kinds
    assert all(count > 0 for count in capacity.counts().values())

# SPDX-License-Identifier: Apache-2.0
"""Fakes that are closed when their test is over."""
import pytest


@pytest.fixture
def started():
    """Makes fakes that are closed at the end."""
    made = []

    def make(kind, *args, **kwargs):
        made.append(kind(*args, **kwargs))
        return made[-1]

    yield make
    for fake in made:
        fake.close()

"""500 of the mutations that ``make stress`` makes 10,000 of: all are refused before any parser runs."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from zoo.bundle.loading import load_bundle
from zoo.bundle.verification import verify_bundle


@pytest.fixture(scope="module")
def mutations(stress_script):
    """What the stress script damages bundles with."""
    return stress_script("damage")


def test_500_mutations(bundle, mutations):
    draw, tried, hit = random.Random(5), Counter(), Counter()
    with mutations.watched():
        with pytest.raises(mutations.ParserReached):
            verify_bundle(bundle)  # the parsers are watched
        for _ in range(500):
            mutation = mutations.mutate(bundle, draw)
            assert mutations.refused(bundle, draw), f"{mutation.kind} {mutation.name}"
            mutation.undo()
            tried[mutation.kind] += 1
            hit[mutation.name] += 1
    assert set(tried) == set(mutations.KINDS)
    assert min(tried.values()) > 40
    assert set(hit) >= {*load_bundle(bundle).manifest.files, "manifest.json"}


def test_sealing_anew_passes_without_a_signature(bundle, mutations):
    """What hashes cannot tell, and the reason for signatures: docs/trust.md."""
    draw = random.Random(0)
    assert mutations.reseal(bundle, "README.md", draw) is not None
    assert load_bundle(bundle).folder == bundle

"""The range of contract versions that this zoo reads."""

import pytest

from zoo_registry import api_version
from zoo_registry.api_version import check_api


@pytest.mark.parametrize("found", [0, -1, None, "1", 1.5, True])
def test_what_is_no_supported_version(found):
    with pytest.raises(
        ValueError, match=f"^it is written for API version {found!r}, this zoo has 1 to 2; ask its author"
    ):
        check_api("it", found)


def test_a_range(monkeypatch):
    monkeypatch.setattr(api_version, "OLDEST_API", 2)
    monkeypatch.setattr(api_version, "API_VERSION", 4)
    for found in (2, 3, 4):
        check_api("it", found)
    for found, advice in ((5, "install a newer lstm-zoo"), (1, "ask its author for a newer version")):
        with pytest.raises(ValueError, match=f"API version {found}, this zoo has 2 to 4; {advice}"):
            check_api("it", found)

import json

import pytest

from simulacra.cli import main
from simulacra.generators import families


def test_every_generator_is_listed_with_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    main(["generators", "--json"])
    listed = {facts["name"]: facts for facts in json.loads(capsys.readouterr().out)}
    assert tuple(listed) == families()
    assert listed["gaussian"]["bias"] == "variance"
    (bandwidth,) = listed["kernel-density"]["parameters"]
    assert (bandwidth["name"], bandwidth["default"], bandwidth["rule"]) == ("bandwidth", 0.3, "above 0")
    kimg = next(each for each in listed["stylegan"]["parameters"] if each["name"] == "kimg")
    assert (kimg["type"], kimg["default"]) == ("number", None)
    main(["generators"])
    printed = capsys.readouterr().out
    for name in families():
        assert f"{name}\n" in printed


def test_one_is_shown_alone_and_an_unknown_one_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    main(["generators", "stylegan"])
    printed = capsys.readouterr().out
    assert printed.startswith("stylegan\n  A style-based generator")
    assert "sampling bias: truncation" in printed and "preset=STRING (default tiny2)" in printed
    with pytest.raises(SystemExit) as left:
        main(["generators", "gausian"])
    assert left.value.code == 2
    assert "did you mean gaussian" in capsys.readouterr().err

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from simulacra.copiers import Copier, Determinism, Receipt, make
from simulacra.copiers.command import CommandParameters
from simulacra.copiers.conformance import CHECKS
from simulacra.copying import copy
from simulacra.copying.result import Ended
from simulacra.errors import UserError

Script = Callable[[str], str]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Writes a Python program and returns how a command names it."""

    def write(text: str) -> str:
        path = tmp_path / "a program.py"  # with a space, as paths have
        path.write_text(text)
        return shlex.join([sys.executable, str(path)])

    return write


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("determinism", ["never", "exact"])
def test_conforms(check: Callable[[str], None], determinism: str) -> None:
    check(f"command:run=cp {{input}} {{output}},determinism={determinism}")


def test_a_copy_is_what_the_program_writes(script: Script, crop: Tensor) -> None:
    program = script(
        "import sys\nfrom PIL import Image, ImageOps\n"
        "ImageOps.invert(Image.open(sys.argv[1])).save(sys.argv[2].removeprefix('to='))\n"
    )
    copied, receipt = _one(make(f"command:run={program} {{input}} to={{output}}"), crop)
    assert torch.allclose(copied, 1 - crop, atol=1e-6)  # exact in 8 bits; the division by 255 rounds
    assert receipt.refusal is None
    assert receipt.effective["told"] == []


def test_no_shell_sees_the_command(tmp_path: Path, crop: Tensor) -> None:
    trace = tmp_path / "trace"
    _, receipt = _one(make(f"command:run=cp {{input}} {{output}} ; touch {trace}"), crop)
    assert receipt.refusal is not None
    assert not trace.exists()


def test_a_seed_is_handed_over_where_it_is_asked_for(tmp_path: Path, script: Script, crop: Tensor) -> None:
    program = script(
        f"import shutil, sys\nshutil.copy(*sys.argv[1:3])\nopen({str(tmp_path / 'seed')!r}, 'w').write(sys.argv[3])\n"
    )
    copier = make(f"command:run={program} {{input}} {{output}} {{seed}}")
    assert copier.seeded and not make("command:run=cp {input} {output}").seeded
    copier.copy(crop, [4711], 1)
    assert (tmp_path / "seed").read_text() == "4711"


@pytest.mark.parametrize(
    ("program", "refusal"),
    [
        ("import sys; sys.exit('out of\\nmemory')", "^the command ended with code 1: memory$"),
        ("import sys; sys.exit(3)", "^the command ended with code 3: it said nothing$"),
        ("import os; os.kill(os.getpid(), 9)", "^the command was ended by signal 9$"),
        ("pass", r"^the command ended well and wrote no \{output\}$"),
        ("import sys; open(sys.argv[2], 'w').write('no')", r"^the command's picture does not open: \{output\} "),
        (
            "import sys; from PIL import Image; Image.new('RGB', (5, 7)).save(sys.argv[2])",
            "^the command made a picture of 5x7 px from one of 131x97 px; let it keep the size$",
        ),
    ],
)
def test_what_goes_wrong_is_a_refusal_in_words(script: Script, crop: Tensor, program: str, refusal: str) -> None:
    copied, receipt = _one(make(f"command:run={script(program)} {{input}} {{output}}"), crop)
    assert receipt.refusal is not None
    assert re.search(refusal, receipt.refusal), receipt.refusal
    assert torch.equal(copied, crop)


def test_a_program_that_hangs_ends_with_all_it_started(tmp_path: Path, script: Script, crop: Tensor) -> None:
    # The child would write the file long after; a pipe it kept open would hang the wait.
    child = f"import time; time.sleep(2); open({str(tmp_path / 'late')!r}, 'w')"
    program = script(f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {child!r}]).wait()\n")
    _, receipt = _one(make(f"command:run={program} {{input}} {{output}},seconds=0.5"), crop)
    assert receipt.refusal == "the command did not end within 0.5 s and was killed; give it more seconds"
    assert receipt.seconds < 2
    assert not (tmp_path / "late").exists()


def test_a_refusal_ends_the_chain_and_makes_no_frame(portrait: Path) -> None:
    result = copy(portrait, copier="command:run=false {input} {output}", times=2, size=32, controls=False)
    assert result.chains[0].ending.reason is Ended.REFUSED
    assert len(result.chains[0].frames) == 1


def test_identity_is_the_text_and_the_trust_but_not_the_patience() -> None:
    first = make("command:run=cp {input} {output}")
    assert make("command:run=cp {input} {output},seconds=5").operator() == first.operator()
    assert make("command:run=cp -f {input} {output}").operator() != first.operator()
    assert first.determinism is Determinism.NEVER
    trusted = make("command:run=cp {input} {output},determinism=same-machine")
    assert trusted.determinism is Determinism.SAME_MACHINE
    assert trusted.operator() != first.operator()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("command:run=cp {input} out.png", r"^copier command: run is 'cp \{input\} out.png' and has no \{output\}"),
        ("command:run={input} {output}", r"has no \{input\}; write it where the program takes that file"),
        ("command:run=cp '{input} {output}", r"does not split into words \(No closing quotation\)"),
        ("command:run=cp {input} {output},determinism=always", r"^determinism of copier command is always; it must be"),
    ],
)
def test_mistakes_are_told_at_once(text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make(text)


def test_a_word_that_would_split_the_specification_is_refused() -> None:
    with pytest.raises(ValueError, match=r"run holds ',scale=', which reads as another parameter"):
        CommandParameters(run="ffmpeg -i {input} -vf hue=h=5,scale=9:9 {output}")


def test_check_says_what_is_missing() -> None:
    with pytest.raises(UserError, match=r"type command:run='PROGRAM \{input\} \{output\}'$"):
        make("command").check()
    with pytest.raises(UserError, match=r"begins with no-such-program-here, which is no program here; give its path$"):
        make("command:run=no-such-program-here {input} {output}").check()


def _one(copier: Copier, picture: Tensor) -> tuple[Tensor, Receipt]:
    copies, receipts = copier.copy(picture, [1], 1)
    return copies, receipts[0]

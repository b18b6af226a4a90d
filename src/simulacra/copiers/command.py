"""Any program as a copier: a command that reads one picture file and writes another."""

import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from simulacra.copiers.contract import Copier, Determinism, Parameters, Receipt
from simulacra.errors import UserError
from simulacra.specification import refuse_separator

if TYPE_CHECKING:
    from torch import Tensor

INPUT, OUTPUT, SEED = "{input}", "{output}", "{seed}"

LONGEST_SENTENCE = 300
"""Characters of a program's own last line that a refusal quotes."""


class CommandParameters(Parameters):
    """What is typed, and how far its answers can be trusted to repeat."""

    run: str = Field(
        "",
        description="the command, with {input} and {output} where the PNG files go, and {seed} if it takes a seed; "
        "split into words as a shell would, but no shell runs it",
    )
    determinism: Literal["never", "same-machine", "exact"] = Field(
        "never",
        description="never, unless you know that equal input gives equal bits (same-machine, exact); "
        "stored copies are then used again",
    )
    seconds: float = Field(600, gt=0, description="after which the command is killed and the copy refused")

    @field_validator("run")
    @classmethod
    def _words_with_placeholders(cls, text: str) -> str:
        if not text:
            return text
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise ValueError(f"run is {text!r}, which does not split into words ({error}); close the quotes") from error
        for placeholder in (INPUT, OUTPUT):
            if not any(placeholder in word for word in words[1:]):
                raise ValueError(
                    f"run is {text!r} and has no {placeholder}; write it where the program takes that file"
                )
        return refuse_separator("run", text)


class Command(Copier):
    """Hands a PNG to a program of yours and takes back the picture it writes."""

    family = "command"
    summary = "runs a command of yours that reads {input} and writes {output}"
    licence = "that of the program you name"
    origin = "a program on this machine, as you name it"
    determinism = Determinism.NEVER
    Parameters = CommandParameters
    parameters: CommandParameters

    def __init__(self, parameters: CommandParameters | None = None) -> None:
        super().__init__(parameters)
        self.determinism = Determinism(self.parameters.determinism)
        self.seeded = SEED in self.parameters.run

    def check(self) -> None:
        """Refuse when no command is given or its program is not there; see `Copier.check`."""
        program, *_ = self._words()
        if which(program) is None:
            raise UserError(f"run of copier command begins with {program}, which is no program here; give its path")

    def operator(self) -> dict[str, Any]:
        """As every copier's, without the patience. The program itself is not in it: its version is for you to keep."""
        decided = super().operator()
        del decided["parameters"]["seconds"]
        return decided

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Run the command once a picture; see `Copier.copy`."""
        import torch

        made = [self._copy_one(picture[None], seed) for picture, seed in zip(pictures, seeds, strict=True)]
        return torch.cat([copied for copied, _ in made]), [receipt for _, receipt in made]

    def _copy_one(self, picture: "Tensor", seed: int) -> "tuple[Tensor, Receipt]":
        """A copy of one picture, (1, 3, H, W); the picture itself where the receipt says that there is none."""
        from PIL import Image

        from simulacra.images.open import open_picture
        from simulacra.images.pixels import to_picture, to_pixels

        began = perf_counter()
        effective: dict[str, Any] = {"run": self.parameters.run}
        if self.seeded:
            effective["seed"] = seed
        with TemporaryDirectory(prefix="simulacra-") as name:
            before, after = Path(name, "input.png"), Path(name, "output.png")
            Image.fromarray(to_pixels(picture)).save(before, compress_level=1)
            places = {INPUT: str(before), OUTPUT: str(after), SEED: str(seed)}
            refusal = self._run([_filled(word, places) for word in self._words()], Path(name, "said"))
            if refusal is None and not after.exists():
                refusal = f"the command ended well and wrote no {OUTPUT}"
            if refusal is None:
                try:
                    opened = open_picture(after)
                except UserError as error:
                    refusal = f"the command's picture does not open: {str(error).replace(str(after), OUTPUT)}"
        seconds = perf_counter() - began
        if refusal is None:
            made, wanted = opened.pixels.shape[1::-1], (picture.shape[-1], picture.shape[-2])
            if made == wanted:
                effective["told"] = list(opened.told)
                return to_picture(opened.pixels).to(picture.device), Receipt(seconds, effective)
            sizes = " from one of ".join(f"{width}x{height} px" for width, height in (made, wanted))
            refusal = f"the command made a picture of {sizes}; let it keep the size"
        return picture, Receipt(seconds, effective, refusal=refusal)

    def _run(self, words: Sequence[str], said: Path) -> str | None:
        """Run a command to its end, and say what went wrong; None when nothing did."""
        limit = self.parameters.seconds
        with said.open("w+b") as stream:
            try:
                # A session of its own, so that whatever the program starts ends with it.
                process = subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stream, start_new_session=True
                )
            except OSError as error:
                return f"the command does not start: {error.strerror}"
            try:
                code = process.wait(limit)
            except subprocess.TimeoutExpired:
                return f"the command did not end within {limit:g} s and was killed; give it more seconds"
            finally:
                _kill(process)
            stream.seek(0)
            lines = stream.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")[:LONGEST_SENTENCE]
        if code < 0:
            return f"the command was ended by signal {-code}{': ' + last if last else ''}"
        return f"the command ended with code {code}: {last or 'it said nothing'}" if code else None

    def _words(self) -> list[str]:
        if not self.parameters.run:
            raise UserError("copier command needs a command; type command:run='PROGRAM {input} {output}'")
        return shlex.split(self.parameters.run)


def _filled(word: str, places: dict[str, str]) -> str:
    for placeholder, value in places.items():
        word = word.replace(placeholder, value)
    return word


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a program and all that it started; nothing happens where all has ended."""
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()

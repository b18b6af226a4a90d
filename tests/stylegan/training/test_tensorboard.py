"""Read back by Google's protobuf, from the definitions of TensorFlow's `event.proto` and `summary.proto`."""

from pathlib import Path
from struct import unpack_from
from typing import Any

import pytest
import torch
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from simulacra.runs import Run, Store
from simulacra.sets.sources.crc32c import masked_crc32c
from simulacra.stylegan.training.samples import write_grid
from simulacra.stylegan.training.tensorboard import FILE, write_events

_MESSAGES: dict[str, list[tuple[int, str, str]]] = {
    "Image": [(1, "height", "int32"), (2, "width", "int32"), (3, "colorspace", "int32"), (4, "encoded", "bytes")],
    "Value": [(1, "tag", "string"), (2, "simple_value", "float"), (4, "image", "Image")],
    "Summary": [(1, "value", "Value*")],
    "Event": [
        (1, "wall_time", "double"),
        (2, "step", "int64"),
        (3, "file_version", "string"),
        (5, "summary", "Summary"),
    ],
}


def event_type() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="event.proto", package="tb", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for message, fields in _MESSAGES.items():
        made = file.message_type.add(name=message)
        for number, name, kind in fields:
            label = kinds.LABEL_REPEATED if kind.endswith("*") else kinds.LABEL_OPTIONAL
            plain = kind.rstrip("*")
            if plain in _MESSAGES:
                made.field.add(name=name, number=number, label=label, type=kinds.TYPE_MESSAGE, type_name=f".tb.{plain}")
            else:
                made.field.add(name=name, number=number, label=label, type=getattr(kinds, f"TYPE_{plain.upper()}"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tb.Event"))


def events(folder: Path) -> list[Any]:
    data, position, found, kind = (folder / FILE).read_bytes(), 0, [], event_type()
    while position < len(data):
        (length, checksum) = unpack_from("<QI", data, position)
        assert checksum == masked_crc32c(data[position : position + 8])
        record = data[position + 12 : position + 12 + length]
        assert unpack_from("<I", data, position + 12 + length)[0] == masked_crc32c(record)
        found.append(kind.FromString(record))
        position += 16 + length
    return found


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A training of one tick and one snapshot."""
    made = Store.open(tmp_path / "store").run("stylegan", "toy", {"seed": 1}, {}, "train")
    with made.writing() as journal:
        journal.append("machine", machine={})
        journal.append("tick", **tick(1.0, loss=0.5))
        write_grid(torch.zeros(2, 3, 4, 8), 1, made.folder / "samples" / "000001000.png")
        journal.append("snapshot", kimg=1.0, name="000001000", network="abc")
    return made


def tick(kimg: float, **means: float | None) -> dict[str, Any]:
    return {"kimg": kimg, "lod": 0.0, "augment": 0.25, "seconds_a_kimg": 7.5, "waiting_share": 0.01, "means": means}


def test_numbers_and_samples_are_what_the_journal_says(run: Run) -> None:
    version, numbers, picture = events(write_events(run))
    assert version.file_version == "brain.Event:2"
    assert numbers.step == picture.step == 1000
    assert {value.tag: value.simple_value for value in numbers.summary.value} == {
        "training/loss": 0.5,
        "training/lod": 0.0,
        "training/augment": 0.25,
        "training/seconds_a_kimg": 7.5,
        "training/waiting_share": pytest.approx(0.01, rel=1e-7),
    }
    assert version.wall_time <= numbers.wall_time <= picture.wall_time
    (value,) = picture.summary.value
    png = (run.folder / "samples" / "000001000.png").read_bytes()
    assert (value.tag, value.image.height, value.image.width, value.image.colorspace) == ("samples", 8, 8, 3)
    assert value.image.encoded == png


def test_a_later_call_adds_what_is_new_and_repairs_what_is_torn(run: Run, tmp_path: Path) -> None:
    write_events(run)
    path = run.folder / "tensorboard" / FILE
    first = path.read_bytes()
    with run.writing() as journal:
        journal.append("tick", **tick(2.0, loss=None))
    path.write_bytes(first[:-5])
    write_events(run)
    assert path.read_bytes()[: len(first)] == first
    assert len(events(path.parent)) == 4
    assert "training/loss" not in {value.tag for value in events(path.parent)[3].summary.value}
    write_events(run)
    assert len(events(path.parent)) == 4
    assert (write_events(run, tmp_path / "elsewhere") / FILE).read_bytes() == path.read_bytes()

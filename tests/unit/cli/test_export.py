"""``seatrial export``: one file, or standard output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import main
from core.bootstrap import compose
from tests.fakes import samples


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    app = compose()
    app.store.endpoints.add(samples.endpoint())
    app.store.runs.add(samples.run(job_id=None))
    app.store.runs.save_measurement("run-1", samples.measurement())


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("html", b"<!doctype html>"),
        ("csv", b"point_index,"),
        ("json", b"{"),
        ("markdown", b"**tiny W8A8**"),
        ("parquet", b"PAR1"),
    ],
)
def test_each_form_as_a_file(tmp_path: Path, form: str, begins: bytes) -> None:
    file = tmp_path / "out"
    assert main(["export", "run-1", f"--{form}", "-o", str(file)]) == 0
    assert file.read_bytes().startswith(begins)


def test_without_a_file_it_goes_to_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["export", "run-1", "--csv"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"point_index,")


def test_what_cannot_be_written_or_found_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "run-1", "--csv", "-o", str(tmp_path / "no" / "file")]) == 1
    assert "could not be written: No such file or directory." in capsys.readouterr().err
    assert main(["export", "run-9", "--csv"]) == 2
    assert "run-9" in capsys.readouterr().err


def test_a_limit_is_judged_in_the_report(tmp_path: Path) -> None:
    file = tmp_path / "out.html"
    assert main(["export", "run-1", "--html", "-o", str(file), "--slo-ttft", "250"]) == 0
    assert "Holds at least 16 concurrent users within TTFT ≤ 250 ms at p95" in file.read_text("utf-8")


def test_the_list_is_filtered_as_on_its_page(capsys: pytest.CaptureFixture[str]) -> None:
    app = compose()
    app.store.runs.add(samples.run(id="run-2", job_id=None, tags=("nightly",), provenance={"platform": "va16"}))
    app.store.runs.add(samples.run(id="run-3", job_id=None, archived_at=samples.NOW))

    def ids(*options: str) -> set[str]:
        assert main(["runs", "--json", *options]) == 0
        return {row["id"] for row in json.loads(capsys.readouterr().out)["runs"]}

    assert ids() == {"run-1", "run-2"}
    assert ids("--tag", "nightly") == ids("--platform", "va16") == ids("--search", "NIGHTLY") == {"run-2"}
    assert ids("--archived") == {"run-3"}
    assert ids("--kind", "evaluation") == ids("--person", "nobody") == set()

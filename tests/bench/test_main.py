"""The command: which sections run, what the table marks, what the record holds, and the exit status."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from bench.__main__ import main
from bench.options import Options
from bench.record import record
from bench.running import Outcome, run
from bench.sections import SECTIONS, Section, chosen
from bench.table import BEGIN, END, markdown, table, within
from bench.timing import BenchError, Row, Skipped

GOOD = Row("fast", 1.0, "null", 2.0, "<= 1 x", True, ratios=[0.4, 0.5, 0.6])
BAD = Row("slow|er", 9.0, "null", 3.0, "<= 1 x", False, limit="the wire", details={"calls": 3})
SHOWN = Row("also", 1.0, "", float("nan"), "", True)


def made(*outcomes: Outcome) -> dict[str, Any]:
    return record(outcomes, Options(quick=True), datetime(2026, 11, 22, tzinfo=UTC))


class Scripted(Section):
    """A section whose rows are given."""

    def rows(self, options: Options) -> Iterator[Row]:
        yield GOOD
        if self.module == "skips":
            raise Skipped("no program: install it")
        if self.module == "fails":
            raise BenchError("it broke")


def test_a_section_that_fails_keeps_its_rows_and_does_not_stop_the_others() -> None:
    told: list[str] = []
    sections = [Scripted(name, name, 1, "about") for name in ("skips", "fails", "works")]
    skipped, failed, works = run(sections, Options(), told.append)
    assert [outcome.rows for outcome in (skipped, failed, works)] == [[GOOD]] * 3
    assert (skipped.skipped, skipped.reached) == ("no program: install it", True)
    assert (failed.failed, failed.reached) == ("BenchError: it broke", False)
    assert works.reached
    assert any("SKIPPED" in line for line in told)
    assert any("FAILED" in line for line in told)


def test_every_section_has_a_module_with_rows_and_a_name_of_its_own() -> None:
    for section in SECTIONS:
        assert Path(section.module.replace(".", "/") + ".py").exists()
    assert len({section.name for section in SECTIONS}) == len(SECTIONS)


def test_sections_run_the_shortest_first() -> None:
    times = [section.typical_s for section in chosen(["throughput", "adf", "names"])]
    assert times == sorted(times)
    assert len(chosen()) == len(SECTIONS)


def test_a_wrong_name_is_an_error_that_lists_the_names() -> None:
    result = CliRunner().invoke(main, ["--only", "adf,ingets"])
    assert result.exit_code == 2
    assert "no section 'ingets'; did you mean ingest?" in result.output
    assert all(section.name in result.output for section in SECTIONS)


def test_the_list_names_every_section() -> None:
    result = CliRunner().invoke(main, ["--list"])
    assert [line.split()[0] for line in result.output.splitlines()] == [section.name for section in chosen()]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome("one", [GOOD, SHOWN]), 0),
        (Outcome("one", [GOOD, BAD]), 1),
        (Outcome("one", [GOOD], failed="BenchError: it broke"), 1),
        (Outcome("one", [GOOD], skipped="no program"), 0),
    ],
)
def test_a_missed_target_is_the_exit_status(tmp_path: Path, outcome: Outcome, status: int) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps(made(outcome)))
    result = CliRunner().invoke(main, ["--from", str(file), "--markdown"])
    assert result.exit_code == status, result.output
    assert "| fast |" in result.output


def test_the_record_holds_when_where_and_every_value() -> None:
    found = made(Outcome("one", [GOOD, BAD, SHOWN], seconds=1.23))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found.keys() == {"schema", "date", "commit", "quick", "machine", "reached", "sections"}
    assert found["machine"].keys() == {"cores", "cpu", "python", "system", "load_1min"}
    assert (found["date"], found["quick"], found["reached"]) == ("2026-11-22T00:00:00+00:00", True, False)
    (section,) = found["sections"]
    good, bad, shown = section["rows"]
    assert (good["ratio"], good["spread"], good["repetitions"]) == (0.5, [0.4, 0.6], 3)
    assert (bad["ratio"], bad["reached"], bad["limit"], bad["details"]) == (3.0, False, "the wire", {"calls": 3})
    assert (shown["ratio"], shown["there"]) == (None, None)


def test_both_tables_mark_what_was_missed_and_say_why() -> None:
    found = made(Outcome("one", [GOOD, BAD, SHOWN]), Outcome("two", skipped="no program"), Outcome("three", failed="X"))
    console = Console(record=True, width=200)
    with console.capture() as capture:
        console.print(table(found))
    for text in (capture.get(), markdown(found)):

        def line(begin: str, text: str = text) -> str:
            return next(line for line in text.splitlines() if line[1:].lstrip().startswith(begin))

        assert "0.5 (0.4-0.6)" in line("fast")
        assert "ok: <= 1 x" in line("fast")
        assert "MISSED" in line("slow")
        assert "the wire" in line("slow")
        assert "shown only" in line("also")
        assert "SKIPPED" in line("two")
        assert "FAILED" in line("three")


def test_the_markdown_is_dated_and_its_cells_stay_apart() -> None:
    text = markdown(made(Outcome("one", [BAD])))
    assert text.startswith("2026-11-22, commit `")
    assert "quick run" in text
    assert "slow\\|er" in text


def test_a_document_gets_the_table_between_its_marks_and_keeps_the_rest(tmp_path: Path) -> None:
    run, document = tmp_path / "run.json", tmp_path / "performance.md"
    run.write_text(json.dumps(made(Outcome("one", [GOOD]))))
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nbehind\n")
    for _ in range(2):
        assert CliRunner().invoke(main, ["--from", str(run), "--markdown", str(document)]).exit_code == 0
    text = document.read_text()
    assert text.startswith(f"before\n{BEGIN}\n2026-11-22")
    assert text.endswith(f"{END}\nbehind\n")
    assert "old" not in text
    assert text.count("| fast |") == 1


def test_of_several_runs_the_later_sections_count_and_nothing_is_hidden(tmp_path: Path) -> None:
    files = [tmp_path / f"{i}.json" for i in range(2)]
    first = made(Outcome("one", [BAD]), Outcome("two", [BAD])) | {"commit": "aaa", "date": "2026-11-21T00:00:00+00:00"}
    second = made(Outcome("two", [GOOD])) | {"commit": "bbb", "quick": False}
    for file, found in zip(files, (first, second), strict=True):
        file.write_text(json.dumps(found))
    result = CliRunner().invoke(main, ["--from", str(files[0]), "--from", str(files[1]), "--json", "-"])
    found = json.loads(result.output)
    assert result.exit_code == 1
    assert {s["name"]: [r["figure"] for r in s["rows"]] for s in found["sections"]} == {
        "one": ["slow|er"], "two": ["fast"],
    }  # fmt: skip
    assert (found["commit"], found["date"][:10], found["quick"], found["reached"]) == (
        "aaa, bbb",
        "2026-11-21",
        True,
        False,
    )
    other = second | {"machine": second["machine"] | {"cpu": "another"}}
    files[1].write_text(json.dumps(other))
    result = CliRunner().invoke(main, ["--from", str(files[0]), "--from", str(files[1])])
    assert "different machines" in result.output


def test_a_document_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no lines"):
        within("nothing here", "table")


def test_programs_that_are_missing_skip_with_what_to_set(tmp_path: Path) -> None:
    options = Options(null_extender=tmp_path / "null", binaries=tmp_path)
    with pytest.raises(Skipped, match="set NULL_EXTENDER"):
        options.null_program()
    with pytest.raises(Skipped, match="set KUBEBUILDER_ASSETS"):
        options.control_plane()

"""The agents that are installed: lists, metadata, its cache, and agents that misbehave."""

from pathlib import Path

import pytest

from paceline.adapters.agent_metadata import InstalledAgents
from paceline.adapters.run_command import run_bounded
from paceline.model.agent_name import AgentName
from paceline.ports.agents import AgentMetadataError

DUMMY = AgentName(standard="ocf", provider="demo", type="Dummy")


def install(root: Path, name: str, script: str) -> Path:
    """Put an agent of the provider `demo` under an OCF root."""
    folder = root / "ocf" / "resource.d" / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def agents(root: Path) -> InstalledAgents:
    """Return what is installed under a root of the test's own."""
    return InstalledAgents(
        {
            "OCF_ROOT": str(root / "ocf"),
            "PACELINE_CACHE_DIR": str(root / "cache"),
            "PACELINE_FENCE_DIR": str(root / "fence"),
        }
    )


def test_agents_are_listed_without_regard_to_case(tmp_path: Path) -> None:
    for name in ("Zeta", "alpha", ".hidden"):
        install(tmp_path, name, "exit 0")
    assert agents(tmp_path).providers() == ("demo",)
    assert agents(tmp_path).agents("ocf", "demo") == ("alpha", "Zeta")
    assert agents(tmp_path).agents("ocf", "nosuch") == ()


def test_agents_whose_metadata_is_in_a_file_are_listed_with_the_others(tmp_path: Path) -> None:
    install(tmp_path, "Zeta", "exit 0")
    folder = tmp_path / "described"
    folder.mkdir()
    for name in ("ocf__demo__alpha", "ocf__other__beta", "stonith__fence_file"):
        (folder / f"{name}.xml").write_text("<resource-agent/>")
    found = InstalledAgents(
        {"OCF_ROOT": str(tmp_path / "ocf"), "PCS_SUITE_METADATA_DIR": str(folder), "PATH": "/none"}
    )
    assert found.providers() == ("demo", "other")
    assert found.agents("ocf", "demo") == ("alpha", "Zeta")
    assert "fence_file" in found.agents("stonith")
    assert found.metadata(AgentName(standard="ocf", provider="other", type="beta"))


def test_metadata_is_asked_once_per_version_of_the_agent(tmp_path: Path) -> None:
    path = install(tmp_path, "Dummy", f"echo run >> {tmp_path}/log; echo '<resource-agent/>'")
    for _time in range(3):
        assert agents(tmp_path).metadata(DUMMY) == b"<resource-agent/>\n"
    assert (tmp_path / "log").read_text() == "run\n"
    path.write_text("#!/bin/sh\necho '<resource-agent name=\"2\"/>'\n")
    assert b'name="2"' in agents(tmp_path).metadata(DUMMY)


@pytest.mark.parametrize("script", ["exit 1", "true", "echo oops >&2; exit 5"])
def test_an_agent_that_prints_nothing_is_an_error(tmp_path: Path, script: str) -> None:
    install(tmp_path, "Dummy", script)
    with pytest.raises(AgentMetadataError, match="printed no metadata"):
        agents(tmp_path).metadata(DUMMY)


def test_a_missing_agent_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AgentMetadataError, match="does not exist"):
        agents(tmp_path).metadata(DUMMY)


def test_fence_agents_are_found_by_their_name(tmp_path: Path) -> None:
    folder = tmp_path / "fence"
    folder.mkdir()
    (folder / "fence_own").write_text(
        "#!/bin/sh\n[ \"$2\" = metadata ] && echo '<resource-agent/>'\n"
    )
    (folder / "fence_own").chmod(0o755)
    assert "fence_own" in agents(tmp_path).agents("stonith")
    name = AgentName(standard="stonith", type="fence_own")
    assert agents(tmp_path).metadata(name) == b"<resource-agent/>\n"


def test_a_hanging_program_is_ended_at_its_time_limit() -> None:
    done = run_bounded(("/bin/sh", "-c", "echo begun; exec sleep 60"), {}, 300)
    assert done.has_timed_out
    assert done.out == b"begun\n"
    assert done.rc < 0


def test_a_child_that_holds_the_pipe_does_not_hang_us() -> None:
    done = run_bounded(("/bin/sh", "-c", "sleep 20 & echo done"), {"PATH": "/bin:/usr/bin"}, 10_000)
    assert (done.rc, done.out, done.has_timed_out) == (0, b"done\n", False)


def test_input_reaches_the_program() -> None:
    done = run_bounded(("/bin/cat",), {}, 5_000, b"hello")
    assert done.out == b"hello"


def test_a_program_that_cannot_start_says_why() -> None:
    done = run_bounded(("/nonexistent",), {}, 1_000)
    assert done.rc == 127
    assert b"No such file" in done.err

"""Older versions of a configuration, and the configuration in an editor."""

from tests.commands.command_line import CommandLine


def grown() -> CommandLine:
    """Return a live configuration with a resource, and the version before it kept."""
    pcs = CommandLine(settles=True)
    pcs.checkpoints.documents[7] = pcs.cib.document
    pcs.ok("resource create A ocf:pacemaker:Dummy")
    return pcs


def test_versions_are_listed_shown_and_compared() -> None:
    pcs = grown()
    assert pcs.ok("config checkpoint").startswith("checkpoint 7: date ")
    assert "Resource: A" not in pcs.ok("config checkpoint view 7")
    assert "+ resource A" in pcs.ok("config checkpoint diff 7 live")
    assert "- resource A" in pcs.ok("config checkpoint diff live 7")


def test_version_is_brought_back_with_the_nodes_of_now() -> None:
    pcs = grown()
    pcs.cib.document = pcs.cib.document.replace(b"worker2", b"worker9")
    pcs.ok("config checkpoint restore 7")
    assert 'id="A"' not in pcs.text
    assert "worker9" in pcs.text


def test_unknown_version_is_refused() -> None:
    for words in ("view 8", "restore 8", "diff 7 8", "diff 7 7", "view x"):
        assert grown()(f"config checkpoint {words}")[0] == 1


def test_what_the_user_edits_is_checked_and_pushed() -> None:
    pcs = grown()
    pcs.editor.replaced = {'id="A"': 'id="B"'}
    assert pcs.ok("cluster edit") == "CIB updated\n"
    assert '<primitive id="B"' in pcs.text
    pcs.editor.replaced = {"<resources>": "<resources"}
    assert pcs("cluster edit scope=resources")[0] == 1
    pcs.editor.replaced = {'class="ocf"': 'class="magic"'}
    before = pcs.text
    assert pcs("cluster edit")[0] == 1
    assert pcs.text == before


def test_nothing_is_pushed_where_nothing_was_edited() -> None:
    pcs = grown()
    pushes = pcs.cib.pushes
    assert "no changes" in pcs.ok("cluster edit")
    assert pcs.cib.pushes == pushes

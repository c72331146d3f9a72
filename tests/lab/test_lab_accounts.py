"""The accounts of a fresh node."""

from paceline.lab.accounts import make_accounts

PASSWD = """root:x:0:0:root:/root:/bin/bash
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
somebody:x:1000:1000::/home/somebody:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = "root:x:0:\nwww-data:x:33:\nsomebody:x:1000:\nnogroup:x:65534:\n"


def test_cluster_account_is_added_when_the_host_has_none() -> None:
    made = make_accounts(PASSWD, GROUP)
    assert "hacluster:x:189:189:" in made.passwd
    assert "haclient:x:189:" in made.group


def test_cluster_account_keeps_its_id_when_the_host_has_it() -> None:
    made = make_accounts(
        PASSWD + "hacluster:x:102:105::/var/lib/pacemaker:/usr/sbin/nologin\n",
        GROUP + "haclient:x:105:\n",
    )
    assert "hacluster:x:102:105:" in made.passwd


def test_cluster_account_takes_another_id_when_its_own_is_used() -> None:
    made = make_accounts(PASSWD + "other:x:189:189::/:/bin/false\n", GROUP)
    assert "hacluster:x:190:" in made.passwd


def test_people_are_left_out_and_nobody_stays() -> None:
    made = make_accounts(PASSWD, GROUP)
    assert "somebody" not in made.passwd + made.group
    assert "nobody:x:65534" in made.passwd


def test_shadow_has_a_locked_line_for_every_account() -> None:
    made = make_accounts(PASSWD, GROUP)
    names = [line.split(":")[0] for line in made.passwd.splitlines()]
    shadow = [line.split(":")[:2] for line in made.shadow.splitlines()]
    assert shadow == [[name, "*"] for name in names]


def test_web_account_is_the_hosts_or_apache() -> None:
    assert make_accounts(PASSWD, GROUP).web_user == "www-data"
    assert make_accounts("root:x:0:0::/root:/bin/sh\n", "root:x:0:\n").web_user == "apache"

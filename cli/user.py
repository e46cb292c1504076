"""``seatrial user``: who may sign in once the app listens beyond loopback."""

from __future__ import annotations

import argparse
import getpass
import os
import sys

from cli.output import guarded, print_json, print_table, record, texts
from core.bootstrap import compose
from core.domain.access import LOCAL_OPERATOR, Account, Role

PASSWORD_VARIABLE = "SEATRIAL_PASSWORD"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``user add|list|role|password|disable|enable``."""
    parser = commands.add_parser("user", help="accounts: add, list, role, password, disable, enable")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    add = verbs.add_parser("add", help=f"a new account; the password is asked for, or read from {PASSWORD_VARIABLE}")
    role = verbs.add_parser("role", help="change what somebody may do")
    for one in (add, role):
        one.add_argument("name", metavar="NAME")
        one.add_argument("--role", choices=[item.value for item in Role], required=True)
    for verb in ("password", "disable", "enable"):
        verbs.add_parser(verb).add_argument("name", metavar="NAME")
    verbs.add_parser("list", help="everybody").add_argument("--json", action="store_true")
    parser.set_defaults(run=lambda arguments: guarded(lambda: run(arguments), as_json=False))


def run(arguments: argparse.Namespace) -> int:
    """Acts as the one person of this machine, who owns the data folder. Raises what AccessService raises."""
    access, name, me = compose().access, getattr(arguments, "name", ""), LOCAL_OPERATOR
    if arguments.verb == "add":
        access.add_user(me, name, Role(arguments.role), _password())
    elif arguments.verb == "role":
        access.set_role(me, name, Role(arguments.role))
    elif arguments.verb == "password":
        access.set_password(me, name, _password())
    elif arguments.verb == "disable":
        access.disable(me, name)
    elif arguments.verb == "enable":
        access.enable(me, name)
    else:
        _print(access.list_users(), arguments.json)
        return 0
    print(texts()("cli.user.done", name=name))
    return 0


def _password() -> str:
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return getpass.getpass(f"{texts()('word.password')}: ")


def _print(accounts: tuple[Account, ...], as_json: bool) -> None:
    if as_json:
        print_json({"users": [record(Account, account) for account in accounts]})
        return
    t = texts()
    states = {account.name: t("word.disabled") if account.disabled_at else "" for account in accounts}
    rows = [(account.name, t(f"role.{account.role.value}"), states[account.name]) for account in accounts]
    print_table((t("word.name"), t("word.role"), ""), rows)
